/**
 * Linux system calls for Node.js: single calls with typed errors, owners of descriptors, the new mount API,
 * pidfds, and system-call programs, which start a process in any set-up without a helper program.
 *
 * @packageDocumentation
 */
export * from './constants/capability.js'
export * from './constants/file.js'
export * from './constants/key.js'
export * from './constants/mount.js'
export * from './constants/namespace.js'
export * from './constants/process.js'
export * from './constants/resource.js'
export * from './constants/scheduling.js'
export * from './constants/socket.js'

export { errnoName, errnoNumber, errnoText } from './errno.js'
export {
  isLinuxError,
  isSyscallError,
  LinuxError,
  SyscallError,
  type LinuxErrorCode,
  type SyscallFailure,
} from './errors.js'
export { architecture, isNativeLoaded, type Architecture } from './native.js'
export { syscallNumber, type SyscallName } from './syscall-number.js'
export { syscall, syscallOr, type SyscallArgument } from './syscall.js'
export { Fd } from './fd.js'
export { type Decompressed, type Decompressor } from './decompression/decompressor.js'
export { Gunzip } from './decompression/gunzip.js'
export { Unzstd } from './decompression/unzstd.js'
export { Sha256 } from './sha256.js'
export { onReadable, type ReadyWait } from './readiness.js'
export { onUrgent, type UrgentWatch } from './urgent.js'

export {
  InPlace,
  out,
  Out,
  Ref,
  stringVector,
  Struct,
  Words,
  type Argument,
  type Word,
} from './program/argument.js'
export { Program, type Entry, type EntryOptions } from './program/program.js'
export { explain } from './program/explain.js'
export {
  execute,
  executeSync,
  prepare,
  type Attempt,
  type PreparedProgram,
  type Results,
} from './program/execute.js'
export { executeInChild } from './program/execute-in-child.js'
export {
  exitOnSignal,
  openExecutable,
  parseReport,
  REPORT_SIZE,
  reportedFailure,
  type FailureReport,
} from './program/executable.js'
export { start, type StartedChild, type StartingChild } from './program/start.js'
export type { CloneOptions } from './program/compile.js'

export { closeFd, flock, pipe2 } from './calls/descriptors.js'
export {
  fchmodat,
  fchownat,
  fsetxattr,
  lgetxattr,
  linkat,
  llistxattr,
  lsetxattr,
  makedev,
  mkdirat,
  mknodat,
  OPEN_HOW_SIZE,
  openat2,
  openHow,
  readlinkat,
  renameat2,
  symlinkat,
  unlinkat,
  utimensat,
  type OpenHow,
} from './calls/files.js'
export { sealedMemory } from './calls/memory-files.js'
export {
  cloneMount,
  fsconfigCreate,
  fsconfigFd,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  mount,
  mountAttributes,
  mountSetattr,
  moveMount,
  openTree,
  pivotRoot,
  umount2,
  type MountAttributes,
} from './calls/mounts.js'
export { setns, unshare } from './calls/namespaces.js'
export { readFiles, type FileRead } from './calls/read-files.js'
export {
  FS_IOC_FSSETXATTR,
  limitsProjects,
  projectOf,
  projectQuota,
  setProject,
  setProjectQuota,
  type ProjectQuota,
} from './calls/quotas.js'
export {
  pidfdExitStatus,
  pidfdGetfd,
  pidfdOpen,
  pidfdSendSignal,
  waitid,
  type ExitStatus,
} from './calls/processes.js'
export {
  connectUnix,
  messageWithFds,
  receiveFd,
  sendFd,
  unixAddress,
  type ReceivedFd,
} from './calls/rights.js'
export {
  bind,
  getsockname,
  isSendQueueEmpty,
  listen,
  recv,
  recvFds,
  send,
  setsockopt,
  socket,
  socketpair,
} from './calls/sockets.js'
export { rawMode, setWindowSize, windowSize, type WindowSize } from './calls/terminals.js'
