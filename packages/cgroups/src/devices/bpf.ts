import { errnoName, Fd, isSyscallError, out, syscall, Words, type SyscallArgument } from '@ctr/linux'
import { CgroupError } from '../errors.js'

/** Commands of bpf(2). */
const command = {
  progLoad: 5,
  progAttach: 8,
  progDetach: 9,
  progGetFdById: 13,
  getInfoByFd: 15,
  progQuery: 16,
} as const
const BPF_PROG_TYPE_CGROUP_DEVICE = 15
const BPF_CGROUP_DEVICE = 6
const BPF_F_ALLOW_MULTI = 2
const BPF_F_REPLACE = 4

/** The kernel allows 64 programs a group and kind. */
const MOST_PROGRAMS = 64
/** Size of `struct bpf_prog_info` up to the end of the name, and where the name is. */
const INFO_SIZE = 80
const INFO_NAME = 64

/** Name that programs are loaded under: what tells ours from those of others. */
export const PROGRAM_NAME = 'ctr_devices'

/** Loads a program under a name of at most 15 bytes; the verifier of the kernel judges it. */
export function loadDeviceProgram(instructions: Uint8Array, programName = PROGRAM_NAME): Fd {
  const name = Buffer.alloc(16)
  name.write(programName, 'latin1')
  const attributes = new Words([
    pair(BPF_PROG_TYPE_CGROUP_DEVICE, instructions.length / 8),
    instructions,
    'Apache-2.0',
    0, // no log
    0,
    0,
    name.readBigUInt64LE(0),
    name.readBigUInt64LE(8),
    pair(0, BPF_CGROUP_DEVICE),
  ])
  return new Fd(bpf('load the program of device rules', command.progLoad, attributes, 72))
}

/** Attaches a program to a group beside others, or in the place of one. */
export function attachProgram(folder: Fd, program: Fd, replaced?: Fd): void {
  const flags = BPF_F_ALLOW_MULTI | (replaced ? BPF_F_REPLACE : 0)
  const attributes = words(folder.number, program.number, BPF_CGROUP_DEVICE, flags, replaced?.number ?? 0)
  bpf('attach the program of device rules', command.progAttach, attributes, attributes.length)
}

/** Takes a program away from a group. */
export function detachProgram(folder: Fd, program: Fd): void {
  const attributes = words(folder.number, program.number, BPF_CGROUP_DEVICE, 0)
  bpf('detach the program of device rules', command.progDetach, attributes, attributes.length)
}

/** The programs for devices at a group itself, by the kernel's numbers, oldest first. */
export function attachedPrograms(folder: Fd): number[] {
  const ids = new Uint8Array(MOST_PROGRAMS * 4)
  const attributes = new Words([pair(folder.number, BPF_CGROUP_DEVICE), 0, out(ids), MOST_PROGRAMS])
  bpf('list the programs of device rules', command.progQuery, attributes, 32)
  return [...new Uint32Array(ids.buffer)].filter((id) => id !== 0)
}

/** Opens an attached program. */
export function openProgram(id: number): Fd {
  return new Fd(bpf('open the program of device rules', command.progGetFdById, words(id, 0, 0), 12))
}

/** The name that a program was loaded under. */
export function programName(program: Fd): string {
  const info = new Uint8Array(INFO_SIZE)
  bpf(
    'read the name of a program',
    command.getInfoByFd,
    new Words([pair(program.number, INFO_SIZE), out(info)]),
    16,
  )
  return Buffer.from(info.subarray(INFO_NAME, INFO_SIZE)).toString('latin1').split('\0')[0]!
}

function bpf(action: string, code: number, attributes: SyscallArgument, size: number): number {
  try {
    return syscall('bpf', code, attributes, size)
  } catch (error) {
    if (!isSyscallError(error)) throw error
    const errno = errnoName(error.errno)
    const [kind, why] =
      errno === 'EPERM' || errno === 'EACCES'
        ? (['ERR_CGROUP_PERMISSION', 'it needs CAP_BPF and CAP_NET_ADMIN, or root'] as const)
        : errno === 'ENOSYS' || errno === 'EINVAL'
          ? (['ERR_CGROUP_UNSUPPORTED', 'the kernel needs CONFIG_CGROUP_BPF'] as const)
          : (['ERR_CGROUP_REFUSED', 'see bpf(2)'] as const)
    throw new CgroupError(kind, `cannot ${action}: bpf: ${errno}; ${why}`, { errno, cause: error })
  }
}

/** Two 32-bit words, the first at the lower address. */
function pair(low: number, high: number): bigint {
  return BigInt(low) | (BigInt(high) << 32n)
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer)
}
