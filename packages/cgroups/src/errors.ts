import { types } from 'node:util'

/** What went wrong, for programs. */
export type CgroupErrorCode =
  | 'ERR_CGROUP_INVALID_ARG' // outside the documented range, or a bad path
  | 'ERR_CGROUP_NO_CONTROLLER' // a resource asks for a controller that is not mounted or not delegated
  | 'ERR_CGROUP_UNSUPPORTED' // this kernel, or this version of cgroups, has no such thing
  | 'ERR_CGROUP_PERMISSION' // EACCES, EPERM or EROFS
  | 'ERR_CGROUP_EXISTS' // the group to create is there already
  | 'ERR_CGROUP_NOT_FOUND' // no such group, in any hierarchy
  | 'ERR_CGROUP_NO_PROCESS' // no such process
  | 'ERR_CGROUP_REFUSED' // the kernel refused the value
  | 'ERR_CGROUP_BUSY' // processes are in the way
  | 'ERR_CGROUP_FROZEN' // the group is frozen, so that what joins it would not run
  | 'ERR_CGROUP_TIMEOUT' // a bounded wait for the kernel ended
  | 'ERR_CGROUP_PARSE' // a kernel file has an unexpected shape
  | 'ERR_CGROUP_BUS' // D-Bus is not to be talked to
  | 'ERR_CGROUP_SYSTEMD' // systemd says no, or its job failed
  | 'ERR_CGROUP_IO' // any other errno

/** What a {@link CgroupError} is about. */
export interface CgroupErrorContext extends ErrorOptions {
  /** The file or folder, or the path of the group. */
  readonly path?: string | undefined
  /** The value that was written. */
  readonly value?: string | undefined
  /** The name of the errno, as `EINVAL`. */
  readonly errno?: string | undefined
}

/** The only error class thrown by this package. Match on `code`. */
export class CgroupError extends Error {
  override readonly name = 'CgroupError' as const
  /** What went wrong. */
  readonly code: CgroupErrorCode
  /** The file or folder, or the path of the group. */
  readonly path: string | undefined
  /** The value that the kernel refused. */
  readonly value: string | undefined
  /** The name of the errno, as `EINVAL`, when a system call failed. */
  readonly errno: string | undefined

  /**
   * @param code - What went wrong.
   * @param message - `cannot <action> <object>: <what is and what should be>`.
   * @param context - Path, value and errno, and the cause.
   */
  constructor(code: CgroupErrorCode, message: string, context: CgroupErrorContext = {}) {
    super(message, context)
    this.code = code
    this.path = context.path
    this.value = context.value
    this.errno = context.errno
  }
}

/**
 * True for errors of this package, even when two versions of it are installed.
 *
 * @param error - Anything that was thrown.
 */
export function isCgroupError(error: unknown): error is CgroupError {
  return types.isNativeError(error) && error.name === 'CgroupError'
}
