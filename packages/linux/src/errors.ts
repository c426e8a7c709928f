import { types } from 'node:util'
import { errnoName, errnoText } from './errno.js'

/** What a {@link SyscallError} knows of the call that failed. */
export interface SyscallFailure {
  /** The kernel's error number, positive. */
  readonly errno: number
  /** Name of the system call, as in its man page. */
  readonly syscall: string
  /** The arguments as `explain()` prints them: strings quoted, flags by name. */
  readonly args: readonly string[]
  /** Position of the entry in its program, from 0; undefined for a single call. */
  readonly entry?: number | undefined
  /** What the entry was for, when its author said so. */
  readonly step?: string | undefined
}

/**
 * A system call that the kernel refused. `code` is the symbolic errno (`'EPERM'`), as in Node's own
 * system errors; `errno` is the positive number of errno(3).
 */
export class SyscallError extends Error {
  override readonly name = 'SyscallError' as const
  /** Symbolic errno, for example `'ENOENT'`. */
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly args: readonly string[]
  readonly entry: number | undefined
  readonly step: string | undefined

  constructor(failure: SyscallFailure, options?: ErrorOptions) {
    const code = errnoName(failure.errno)
    const where = failure.step === undefined ? '' : `cannot ${failure.step}: `
    super(
      `${where}${failure.syscall}(${failure.args.join(', ')}): ${code} (${errnoText(failure.errno)})`,
      options,
    )
    this.code = code
    this.errno = failure.errno
    this.syscall = failure.syscall
    this.args = failure.args
    this.entry = failure.entry
    this.step = failure.step
  }
}

/** True for a {@link SyscallError}, even when two versions of the package are installed. */
export function isSyscallError(error: unknown): error is SyscallError {
  return types.isNativeError(error) && error.name === 'SyscallError'
}

/** Codes of {@link LinuxError}. */
export type LinuxErrorCode =
  | 'ERR_LINUX_UNSUPPORTED' // not Linux, or a processor without a trampoline
  | 'ERR_LINUX_INVALID_ARG' // an argument that cannot be handed to the kernel
  | 'ERR_LINUX_CLOSED' // an Fd that was closed already
  | 'ERR_LINUX_CHILD_DIED' // a program's child was killed before it came to its end

/** What this package itself refuses; what the kernel refuses is a {@link SyscallError}. */
export class LinuxError extends Error {
  override readonly name = 'LinuxError' as const
  readonly code: LinuxErrorCode

  constructor(code: LinuxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a {@link LinuxError}, even when two versions of the package are installed. */
export function isLinuxError(error: unknown): error is LinuxError {
  return types.isNativeError(error) && error.name === 'LinuxError'
}
