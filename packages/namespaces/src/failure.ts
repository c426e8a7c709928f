import { isLinuxError, isSyscallError, type SyscallError } from '@ctr/linux'
import { NamespacesError } from './errors.js'

const notExecutable = new Set(['ELOOP', 'EACCES', 'EPERM', 'ENOEXEC', 'EISDIR', 'ELIBBAD', 'ETXTBSY'])

/** Adds what the step was for; says plainly when it is the command that cannot be executed. */
export function explainFailure(error: unknown, command: string, fromInit = false): unknown {
  if (isLinuxError(error) && error.code === 'ERR_LINUX_INVALID_ARG') {
    return new NamespacesError('ERR_NAMESPACES_INVALID_ARG', `cannot start a process: ${error.message}`, {
      cause: error,
    })
  }
  if (!isSyscallError(error)) return error
  const name = JSON.stringify(command)
  if (fromInit && error.syscall === 'execve') {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      return new NamespacesError(
        'ERR_NAMESPACES_COMMAND_NOT_FOUND',
        `cannot execute ${name}: no such file or directory`,
        { cause: error },
      )
    }
    if (notExecutable.has(error.code)) {
      const why = error.code === 'ENOEXEC' ? 'exec format error' : 'permission denied'
      return new NamespacesError('ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE', `cannot execute ${name}: ${why}`, {
        cause: error,
      })
    }
  }
  return new NamespacesError(
    'ERR_NAMESPACES_START',
    `cannot start ${name}: ${error.message}${lacksDevFd(error) ? `; ${devFdIsNeeded}` : ''}`,
    { cause: error },
  )
}

/**
 * A file that is open is always there to be executed, but for TOMOYO before Linux 6.12: it looks its path up, which
 * is `/dev/fd/N`.
 */
function lacksDevFd({ syscall, code }: SyscallError): boolean {
  return syscall === 'execveat' && code === 'ENOENT'
}

const devFdIsNeeded =
  'the security module TOMOYO, before Linux 6.12, wants /dev/fd to lead to /proc/self/fd where the process is to be: mount /proc and make that link there, or boot with lsm= without tomoyo'
