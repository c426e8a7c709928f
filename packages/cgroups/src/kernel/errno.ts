import { CgroupError, type CgroupErrorCode } from '../errors.js'

/** The errno's name of an error of `node:fs` or `process.kill`, or `undefined`. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** What an errno means wherever it comes from. The rest is for the caller to say. */
export function codeOf(errno: string | undefined): CgroupErrorCode {
  switch (errno) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'ERR_CGROUP_PERMISSION'
    case 'ESRCH':
      return 'ERR_CGROUP_NO_PROCESS'
    default:
      return 'ERR_CGROUP_IO'
  }
}

/** Wraps a failed system call on a path. */
export function pathError(action: string, path: string, error: unknown): CgroupError {
  const errno = errnoOf(error)
  return new CgroupError(codeOf(errno), `cannot ${action} ${path}: ${reason(error)}`, {
    path,
    errno,
    cause: error,
  })
}

/** `EACCES (permission denied)`, from Node's `EACCES: permission denied, open '/x'`. */
export function reason(error: unknown): string {
  const errno = errnoOf(error)
  const message = (error as { readonly message?: unknown } | null | undefined)?.message
  if (typeof message !== 'string') return errno ?? 'unknown error'
  const words = /^[A-Z0-9]+: ([^,]+)/.exec(message)?.[1]
  return errno !== undefined && words !== undefined ? `${errno} (${words})` : message
}
