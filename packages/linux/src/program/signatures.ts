import * as file from '../constants/file.js'
import * as key from '../constants/key.js'
import * as mount from '../constants/mount.js'
import * as process_ from '../constants/process.js'
import * as resource from '../constants/resource.js'
import * as scheduling from '../constants/scheduling.js'
import * as socket from '../constants/socket.js'
import type { SyscallName } from '../syscall-number.js'
import {
  addressFamily,
  atFlags,
  capabilityName,
  cloneFlags,
  decimal,
  descriptor,
  device,
  flags,
  hexadecimal,
  id,
  mountAttributeFlags,
  mountFlags,
  nodeMode,
  octal,
  oneOf,
  openFlags,
  signal,
  socketType,
  type Printer,
} from './printers.js'

const capabilityOption = oneOf(process_, 'PR_CAP_AMBIENT_')
const otherProcessOption = oneOf(process_, 'PR_SET', 'PR_GET', 'PR_CAPBSET')
const processOptions: Printer = (value) =>
  value === process_.PR_CAP_AMBIENT ? 'PR_CAP_AMBIENT' : otherProcessOption(value)

/** What the second argument of prctl(2) is depends on the first. */
const processOption: Printer = (value, args) => {
  switch (args?.[0]) {
    case process_.PR_CAPBSET_READ:
    case process_.PR_CAPBSET_DROP:
      return capabilityName(value)
    case process_.PR_CAP_AMBIENT:
      return capabilityOption(value)
    case process_.PR_SET_PDEATHSIG:
      return signal(value)
    case process_.PR_SET_SECUREBITS:
      return hexadecimal(value)
    default:
      return decimal(value)
  }
}

const ambientCapability: Printer = (value, args) => {
  const takesOne = args?.[1] === process_.PR_CAP_AMBIENT_RAISE || args?.[1] === process_.PR_CAP_AMBIENT_LOWER
  return args?.[0] === process_.PR_CAP_AMBIENT && takesOne ? capabilityName(value) : decimal(value)
}

const generalSocketOption = oneOf(socket, 'SO_')
const netlinkSocketOption = oneOf(socket, 'NETLINK_CAP', 'NETLINK_EXT', 'NETLINK_GET')
const socketOption: Printer = (value, args) => {
  if (args?.[1] === socket.SOL_SOCKET) return generalSocketOption(value)
  if (args?.[1] === socket.SOL_NETLINK) return netlinkSocketOption(value)
  return decimal(value)
}

const netlinkProtocol = oneOf(socket, 'NETLINK_ROUTE', 'NETLINK_NETFILTER')
const socketProtocol: Printer = (value, args) =>
  args?.[0] === socket.AF_NETLINK ? netlinkProtocol(value) : decimal(value)

const terminalRequest = oneOf(process_, 'TIO', 'FIO')

/** Requests that have no name here are numbers made of fields: hexadecimal shows them. */
const ioctlRequest: Printer = (value) => {
  const name = terminalRequest(value)
  return name === String(value) ? hexadecimal(value) : name
}

const waitId = oneOf(process_, 'P_')
const waitOptions = flags(process_, 'W')
const messageFlags = flags(socket, 'MSG_')
const attributeFlags = flags(file, 'XATTR_')
const resourceName = oneOf(resource, 'RLIMIT_')
const epollOperation = oneOf(process_, 'EPOLL_CTL_')
const memoryPolicyMode = oneOf(scheduling, 'MPOL_')
const memoryPolicyFlags = flags(scheduling, 'MPOL_F_')
const memoryPolicy: Printer = (value) => {
  const mode = value & 0x1fff
  return value === mode
    ? memoryPolicyMode(mode)
    : `${memoryPolicyMode(mode)}|${memoryPolicyFlags(value - mode)}`
}

const ioPriorityClass = oneOf(scheduling, 'IOPRIO_CLASS_')
/** The kernel puts class and level into one number: its macro takes them apart. */
const ioPriority: Printer = (value) =>
  `IOPRIO_PRIO_VALUE(${ioPriorityClass(value >> scheduling.IOPRIO_CLASS_SHIFT)}, ${value % 2 ** scheduling.IOPRIO_CLASS_SHIFT})`

const keyOperation = oneOf(key, 'KEYCTL_')
/** Of the operations that take a number beside the key, only this one takes bits. */
const keyArgument: Printer = (value, args) =>
  args?.[0] === key.KEYCTL_SETPERM ? hexadecimal(value) : decimal(value)

const untilTheLast: Printer = (value) => (value === 0xffffffff ? '~0' : String(value))

/** How to print the integer arguments of a call, by position; strings and structures print themselves. */
export const signatures: Readonly<Partial<Record<SyscallName, readonly Printer[]>>> = {
  accept4: [decimal, decimal, decimal, socketType],
  close_range: [decimal, untilTheLast, flags(file, 'CLOSE_RANGE_')],
  dup3: [decimal, decimal, flags(file, 'O_CLOEXEC')],
  epoll_create1: [flags(process_, 'EPOLL_CLOEXEC')],
  epoll_ctl: [decimal, epollOperation],
  execveat: [descriptor, decimal, decimal, decimal, atFlags],
  faccessat: [descriptor, decimal, octal],
  faccessat2: [descriptor, decimal, octal, atFlags],
  fchmod: [decimal, octal],
  fchmodat: [descriptor, decimal, octal],
  fchmodat2: [descriptor, decimal, octal, atFlags],
  fchown: [decimal, id, id],
  fchownat: [descriptor, decimal, id, id, atFlags],
  fcntl: [decimal, oneOf(file, 'F_')],
  flock: [decimal, flags(file, 'LOCK_')],
  fsconfig: [decimal, oneOf(mount, 'FSCONFIG_'), decimal, decimal, descriptor],
  fsetxattr: [decimal, decimal, decimal, decimal, attributeFlags],
  fsmount: [decimal, flags(mount, 'FSMOUNT_'), mountAttributeFlags],
  fsopen: [decimal, flags(mount, 'FSOPEN_')],
  fspick: [descriptor, decimal, hexadecimal],
  ioctl: [decimal, ioctlRequest],
  ioprio_set: [oneOf(scheduling, 'IOPRIO_WHO_'), decimal, ioPriority],
  keyctl: [keyOperation, decimal, keyArgument],
  kill: [decimal, signal],
  linkat: [descriptor, decimal, descriptor, decimal, atFlags],
  lsetxattr: [decimal, decimal, decimal, decimal, attributeFlags],
  mkdirat: [descriptor, decimal, octal],
  mknodat: [descriptor, decimal, nodeMode, device],
  mount: [decimal, decimal, decimal, mountFlags],
  mount_setattr: [descriptor, decimal, atFlags],
  move_mount: [descriptor, decimal, descriptor, decimal, flags(mount, 'MOVE_MOUNT_')],
  newfstatat: [descriptor, decimal, decimal, atFlags],
  open_tree: [
    descriptor,
    decimal,
    flags({ ...mount, ...file }, 'OPEN_TREE_', 'AT_EMPTY_PATH', 'AT_RECURSIVE', 'AT_SYMLINK_NOFOLLOW'),
  ],
  openat: [descriptor, decimal, openFlags, octal],
  openat2: [descriptor],
  personality: [oneOf(scheduling, 'PER_')],
  pidfd_send_signal: [decimal, signal],
  pipe2: [decimal, flags(file, 'O_CLOEXEC', 'O_NONBLOCK')],
  prctl: [processOptions, processOption, ambientCapability],
  prlimit64: [decimal, resourceName],
  readlinkat: [descriptor],
  recvfrom: [decimal, decimal, decimal, messageFlags],
  recvmsg: [decimal, decimal, messageFlags],
  renameat2: [descriptor, decimal, descriptor, decimal, flags(file, 'RENAME_')],
  rt_sigaction: [signal],
  rt_sigprocmask: [oneOf(process_, 'SIG_')],
  seccomp: [oneOf(process_, 'SECCOMP_SET', 'SECCOMP_GET'), flags(process_, 'SECCOMP_FILTER_FLAG_')],
  sendmsg: [decimal, decimal, messageFlags],
  sendto: [decimal, decimal, decimal, messageFlags],
  set_mempolicy: [memoryPolicy],
  setfsgid: [id],
  setfsuid: [id],
  setns: [decimal, cloneFlags],
  setresgid: [id, id, id],
  setresuid: [id, id, id],
  setsockopt: [decimal, oneOf(socket, 'SOL_'), socketOption],
  setxattr: [decimal, decimal, decimal, decimal, attributeFlags],
  socket: [addressFamily, socketType, socketProtocol],
  statx: [descriptor, decimal, atFlags, hexadecimal],
  symlinkat: [decimal, descriptor],
  tgkill: [decimal, decimal, signal],
  umask: [octal],
  umount2: [decimal, flags(mount, 'MNT_', 'UMOUNT_')],
  unlinkat: [descriptor, decimal, atFlags],
  unshare: [cloneFlags],
  utimensat: [descriptor, decimal, decimal, atFlags],
  waitid: [waitId, decimal, decimal, waitOptions],
}
