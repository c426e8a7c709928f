import { isSyscallError } from '@ctr/linux'
import { NetbridgeError, type NetbridgeErrorCode } from '../errors.js'

/** The code for an errno of the kernel, whether netlink or a system call reported it. */
export function codeOf(errnoCode: string): NetbridgeErrorCode {
  switch (errnoCode) {
    case 'EPERM':
    case 'EACCES':
      return 'ERR_NETBRIDGE_PERMISSION'
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'EAFNOSUPPORT':
    case 'EPROTONOSUPPORT':
    case 'ENOSYS':
      return 'ERR_NETBRIDGE_UNSUPPORTED'
    default:
      return 'ERR_NETBRIDGE_KERNEL'
  }
}

/** Wraps what a system call reported, naming what it was for. */
export function kernelError(action: string, error: unknown): unknown {
  if (!isSyscallError(error)) return error
  return new NetbridgeError(codeOf(error.code), `cannot ${action}: ${error.message}`, {
    errno: error.errno,
    errnoCode: error.code,
    cause: error,
  })
}
