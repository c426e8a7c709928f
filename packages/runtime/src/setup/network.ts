import {
  AF_INET,
  AT_FDCWD,
  O_CLOEXEC,
  O_WRONLY,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  Struct,
  type Program,
} from '@ctr/linux'

const SIOCSIFFLAGS = 0x8914
const IFF_UP = 0x1

/** Sets `lo` up in a network namespace that nobody else sets up (`ip link set lo up`; netdevice(7)). */
export function loopbackUp(program: Program): void {
  const request = Buffer.alloc(40) // struct ifreq
  request.write('lo', 0)
  request.writeUInt16LE(IFF_UP, 16)
  program.step('set lo up')
  const socket = program.call('socket', [AF_INET, SOCK_DGRAM + SOCK_CLOEXEC, 0])
  program.call('ioctl', [socket, SIOCSIFFLAGS, new Struct(request, '{"lo", IFF_UP}')])
  program.call('close', [socket])
}

/** Writes kernel parameters, while `/proc/sys` can still be written. Names as sysctl(8) has them. */
export function writeSysctls(program: Program, sysctls: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(sysctls)) {
    program.step(`set ${name}`)
    const file = program.call('openat', [
      AT_FDCWD,
      `/proc/sys/${name.replaceAll('.', '/')}`,
      O_WRONLY + O_CLOEXEC,
    ])
    program.call('write', [file, value, Buffer.byteLength(value)])
    program.call('close', [file])
  }
}
