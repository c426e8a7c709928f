import { isLinuxError, isSyscallError } from '@ctr/linux'
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
  return new NamespacesError('ERR_NAMESPACES_START', `cannot start ${name}: ${error.message}`, {
    cause: error,
  })
}
