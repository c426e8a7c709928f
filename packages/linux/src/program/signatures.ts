import * as file from '../constants/file.js'
import * as mount from '../constants/mount.js'
import * as namespace from '../constants/namespace.js'
import * as process_ from '../constants/process.js'
import * as socket from '../constants/socket.js'
import type { SyscallName } from '../syscall-number.js'

/** Prints one integer argument. */
export type Printer = (value: number) => string

const decimal: Printer = (value) => String(value)
const octal: Printer = (value) => (value === 0 ? '0' : `0${value.toString(8)}`)

/** A descriptor, or the current folder where the call takes one. */
const descriptor: Printer = (value) => (value === file.AT_FDCWD ? 'AT_FDCWD' : String(value))

/** A combination of the flags whose names begin with `prefix`. */
function flags(constants: object, ...prefixes: readonly string[]): Printer {
  const named = numbered(constants, prefixes).filter(([, bit]) => bit !== 0)
  return (value) => {
    let rest = value
    const parts: string[] = []
    for (const [name, bit] of named) {
      if (hasBits(rest, bit)) {
        parts.push(name)
        rest -= bit
      }
    }
    if (rest !== 0) parts.push(`0x${rest.toString(16)}`)
    return parts.length === 0 ? '0' : parts.join('|')
  }
}

/** One of the constants whose names begin with `prefix`. */
function oneOf(constants: object, ...prefixes: readonly string[]): Printer {
  const names = new Map(numbered(constants, prefixes).map(([name, value]) => [value, name]))
  return (value) => names.get(value) ?? String(value)
}

function numbered(constants: object, prefixes: readonly string[]): [string, number][] {
  return Object.entries(constants as Record<string, number>)
    .filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)))
    .sort(([, a], [, b]) => a - b)
}

/** Bit arithmetic beyond 32 bits: clone flags have 34. */
function hasBits(value: number, bits: number): boolean {
  return (BigInt(value) & BigInt(bits)) === BigInt(bits)
}

/** `O_*`, with the access mode in words. */
const openFlags: Printer = (value) => {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR'][value & 3] ?? 'O_ACCMODE'
  const more = flags(file, 'O_')(value - (value & 3))
  return more === '0' ? access : `${access}|${more}`
}

/** Mode of mknod(2): the kind of file in words, the permissions in octal. */
const nodeMode: Printer = (value) => {
  const kind = oneOf(file, 'S_IF')(value & file.S_IFMT)
  return `${kind}|${octal(value & 0o7777)}`
}

const device: Printer = (value) =>
  `makedev(${(value >> 8) & 0xfff}, ${(value & 0xff) | ((value >> 12) & 0xfff00)})`
const atFlags = flags(file, 'AT_')
const cloneFlags = flags(namespace, 'CLONE_')
const socketTypes: Printer = (value) => {
  const kind = oneOf(socket, 'SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW')(value & 0xf)
  const more = flags(socket, 'SOCK_NONBLOCK', 'SOCK_CLOEXEC')(value - (value & 0xf))
  return more === '0' ? kind : `${kind}|${more}`
}

/** How to print the integer arguments of a call, by position; strings and structures print themselves. */
export const signatures: Readonly<Partial<Record<SyscallName, readonly Printer[]>>> = {
  clone3: [decimal, decimal],
  close_range: [
    decimal,
    (value) => (value === 0xffffffff ? '~0' : String(value)),
    flags(file, 'CLOSE_RANGE_'),
  ],
  dup3: [decimal, decimal, openFlags],
  faccessat2: [descriptor, decimal, octal, atFlags],
  fchmod: [decimal, octal],
  fchmodat: [descriptor, decimal, octal],
  fchownat: [descriptor, decimal, decimal, decimal, atFlags],
  fsconfig: [decimal, oneOf(mount, 'FSCONFIG_')],
  fsmount: [decimal, flags(mount, 'FSMOUNT_'), flags(mount, 'MOUNT_ATTR_')],
  fsopen: [decimal, flags(mount, 'FSOPEN_')],
  ioctl: [decimal, oneOf(process_, 'TIO', 'FIO')],
  kill: [decimal, decimal],
  linkat: [descriptor, decimal, descriptor, decimal, atFlags],
  mkdirat: [descriptor, decimal, octal],
  mknodat: [descriptor, decimal, nodeMode, device],
  mount: [decimal, decimal, decimal, flags(mount, 'MS_')],
  mount_setattr: [descriptor, decimal, atFlags],
  move_mount: [descriptor, decimal, descriptor, decimal, flags(mount, 'MOVE_MOUNT_')],
  open_tree: [
    descriptor,
    decimal,
    flags({ ...mount, ...file }, 'OPEN_TREE_', 'AT_EMPTY_PATH', 'AT_RECURSIVE', 'AT_SYMLINK_NOFOLLOW'),
  ],
  openat: [descriptor, decimal, openFlags, octal],
  openat2: [descriptor],
  prctl: [
    (value) =>
      value === process_.PR_CAP_AMBIENT
        ? 'PR_CAP_AMBIENT'
        : oneOf(process_, 'PR_SET', 'PR_GET', 'PR_CAPBSET')(value),
  ],
  renameat2: [descriptor, decimal, descriptor, decimal, flags(file, 'RENAME_')],
  rt_sigprocmask: [oneOf(process_, 'SIG_')],
  seccomp: [oneOf(process_, 'SECCOMP_SET', 'SECCOMP_GET'), flags(process_, 'SECCOMP_FILTER_FLAG_')],
  setns: [decimal, cloneFlags],
  socket: [oneOf(socket, 'AF_'), socketTypes],
  symlinkat: [decimal, descriptor],
  umask: [octal],
  umount2: [decimal, flags(mount, 'MNT_', 'UMOUNT_')],
  unlinkat: [descriptor, decimal, atFlags],
  unshare: [cloneFlags],
  utimensat: [descriptor, decimal, decimal, atFlags],
}
