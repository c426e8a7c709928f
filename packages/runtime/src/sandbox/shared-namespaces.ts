import { openSync } from 'node:fs'
import { AT_FDCWD, CLONE_NEWNS, executeInChild, Fd, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '@ctr/linux'
import type { NamespaceSources } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { startTicks } from '../host.js'
import type { SandboxOptions } from './sandbox-options.js'

/** Where the namespaces of a container come from, but for those of users, mounts and the network. */
export interface SharedNamespaces extends Disposable {
  readonly sources: Pick<NamespaceSources, 'pid' | 'ipc' | 'uts' | 'cgroup'>
  /** Detached mount of another container's `/dev/shm`. */
  readonly sharedMemory: number | undefined
}

/**
 * Chooses and opens namespaces: new ones, the host's, and processes and IPC of other containers.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`, `ERR_RUNTIME_CONTAINER_NOT_FOUND`.
 */
export function sharedNamespaces(
  context: Context,
  { pid = 'private', ipc = 'private', uts, cgroupNamespace }: SandboxOptions,
): SharedNamespaces {
  const opened: Fd[] = []
  const open = (mode: string, kind: 'pid' | 'ipc' | 'mnt', what: string): Fd | undefined => {
    const other = containerIn(mode)
    if (other === undefined) return undefined
    const fd = openNamespace(context, other, kind, what)
    opened.push(fd)
    return fd
  }
  const close = (): void => {
    for (const fd of opened) fd.close()
  }
  try {
    const processes = open(pid, 'pid', 'processes')
    const queues = open(ipc, 'ipc', 'IPC')
    const mounts = open(ipc, 'mnt', 'IPC')
    const memory = mounts && new Fd(sharedMemoryIn(mounts))
    if (memory !== undefined) opened.push(memory)
    return {
      sources: {
        ...(pid === 'private' ? { pid: 'new' as const } : {}),
        ...(processes === undefined ? {} : { pid: { fd: processes.number } }),
        ...(ipc === 'private' || ipc === 'none' ? { ipc: 'new' as const } : {}),
        ...(queues === undefined ? {} : { ipc: { fd: queues.number } }),
        ...(uts === 'host' ? {} : { uts: 'new' as const }),
        ...(cgroupNamespace === 'host' ? {} : { cgroup: 'new' as const }),
      },
      sharedMemory: memory?.number,
      [Symbol.dispose]: close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** Name or id of the container in `'container:NAME'`. */
function containerIn(mode: string): string | undefined {
  return /^container:(.+)$/s.exec(mode)?.[1]
}

/** Taken in its own mount namespace: whatever the path is there, it leads to nothing that the container does not have. */
function sharedMemoryIn(mounts: Fd): number {
  return executeInChild((program) => {
    program.step('enter the mount namespace').call('setns', [mounts.number, CLONE_NEWNS])
    const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC
    return program.step('open the shared memory').call('open_tree', [AT_FDCWD, '/dev/shm', flags])
  })
}

function openNamespace(context: Context, idOrName: string, kind: string, what: string): Fd {
  const { name, status, pid, startTicks: started } = context.records.find(idOrName)
  const fd = status === 'running' && pid !== null ? tryOpen(`/proc/${pid}/ns/${kind}`) : undefined
  // opened first and asked afterwards: the process was still the same one
  if (fd !== undefined && startTicks(pid!) === started) return fd
  fd?.close()
  throw new RuntimeError(
    'ERR_RUNTIME_NOT_RUNNING',
    `cannot use the ${what} of container ${name}: it does not run`,
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
