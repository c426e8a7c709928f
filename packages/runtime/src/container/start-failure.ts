import { isCgroupError } from '@ctr/cgroups'
import { isLinuxError } from '@ctr/linux'
import { isNamespacesError } from '@ctr/namespaces'
import { isNetbridgeError } from '@ctr/netbridge'
import { RuntimeError } from '../errors.js'
import type { ContainerSpec } from './spec.js'

/** Adds which container it was, in the terms of this package; errors of lower packages stay as the cause. */
export function explainFailure(error: unknown, { record }: ContainerSpec): unknown {
  const what = `cannot start container ${record.name}`
  const wrap = (code: RuntimeError['code'], cause: Error): RuntimeError =>
    new RuntimeError(code, `${what}: ${cause.message}`, { cause })
  if (isNamespacesError(error)) {
    if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_FOUND') return wrap('ERR_RUNTIME_COMMAND_NOT_FOUND', error)
    if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE')
      return wrap('ERR_RUNTIME_COMMAND_NOT_EXECUTABLE', error)
    return wrap('ERR_RUNTIME_START', error)
  }
  if (isNetbridgeError(error)) {
    if (error.code === 'ERR_NETBRIDGE_PORT_TAKEN') return wrap('ERR_RUNTIME_PORT_TAKEN', error)
    const askedWrongly = ['ERR_NETBRIDGE_INVALID_ARG', 'ERR_NETBRIDGE_NOT_FOUND'].includes(error.code)
    return wrap(askedWrongly ? 'ERR_RUNTIME_INVALID_ARG' : 'ERR_RUNTIME_START', error)
  }
  if (isCgroupError(error)) return wrap('ERR_RUNTIME_LIMIT', error)
  if (isLinuxError(error) && error.code === 'ERR_LINUX_CHILD_DIED') return wrap('ERR_RUNTIME_LIMIT', error)
  return error
}
