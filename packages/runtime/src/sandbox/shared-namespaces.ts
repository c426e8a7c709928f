import type { NamespaceSources } from '@ctr/namespaces'
import { Fd } from '@ctr/linux'
import { openSync } from 'node:fs'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { startTicks } from '../host.js'
import type { SandboxOptions } from './sandbox-options.js'

/** Where the namespaces of a container come from, but for those of users, mounts and the network. */
export interface SharedNamespaces extends Disposable {
  readonly sources: Pick<NamespaceSources, 'pid' | 'ipc' | 'uts' | 'cgroup'>
}

/**
 * Chooses and opens namespaces: new ones, the host's, and processes of another container.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`, `ERR_RUNTIME_CONTAINER_NOT_FOUND`.
 */
export function sharedNamespaces(
  context: Context,
  { pid = 'private', ipc, uts, cgroupNamespace }: SandboxOptions,
): SharedNamespaces {
  const other = /^container:(.+)$/s.exec(pid)?.[1]
  const processes = other === undefined ? undefined : openProcesses(context, other)
  return {
    sources: {
      ...(pid === 'private' ? { pid: 'new' as const } : {}),
      ...(processes === undefined ? {} : { pid: { fd: processes.number } }),
      ...(ipc === 'host' ? {} : { ipc: 'new' as const }),
      ...(uts === 'host' ? {} : { uts: 'new' as const }),
      ...(cgroupNamespace === 'host' ? {} : { cgroup: 'new' as const }),
    },
    [Symbol.dispose]: () => processes?.close(),
  }
}

function openProcesses(context: Context, idOrName: string): Fd {
  const { name, status, pid, startTicks: started } = context.records.find(idOrName)
  const fd = status === 'running' && pid !== null ? tryOpen(`/proc/${pid}/ns/pid`) : undefined
  // opened first and asked afterwards: the process was still the same one
  if (fd !== undefined && startTicks(pid!) === started) return fd
  fd?.close()
  throw new RuntimeError(
    'ERR_RUNTIME_NOT_RUNNING',
    `cannot use the processes of container ${name}: it does not run`,
  )
}

function tryOpen(path: string): Fd | undefined {
  try {
    return new Fd(openSync(path, 'r'))
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
