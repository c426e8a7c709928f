import type { Cgroup } from '@ctr/cgroups'
import { pidfdSendSignal } from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import type { ContainerState } from './state/container-state.js'
import { openInit } from './state/status.js'

const SIGKILL = 9

/** The container that is signalled. */
export interface ToSignal {
  readonly state: ContainerState
  readonly cgroup: Cgroup | undefined
  readonly paused: boolean
  /** It has a pid namespace of its own: its processes end with the first. */
  readonly ownPids: boolean
}

/**
 * Sends a signal to the first process of a container, or to every one: where `all`, and where SIGKILL would let the
 * others live.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`.
 */
export function signalContainer(
  { state, cgroup, paused, ownPids }: ToSignal,
  signal: number,
  all: boolean,
): void {
  if (cgroup !== undefined && (all || (signal === SIGKILL && !ownPids))) {
    signalAll(cgroup, signal)
  } else {
    using init = openInit(state)
    if (init === undefined || !pidfdSendSignal(init.number, signal)) {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        `cannot signal container ${state.id}: container not running`,
      )
    }
  }
  // a process that is frozen does not even die
  if (signal === SIGKILL && paused) cgroup?.thaw().catch(() => undefined)
}

/** To every process once, to those included that were forked meanwhile. */
function signalAll(cgroup: Cgroup, signal: number): void {
  const done = new Set<number>()
  for (let round = 0; round < 10; round++) {
    // 0 stands for a process of another pid namespace; to kill(2) it would mean our own process group
    const pids = cgroup.processes().filter((pid) => pid > 0 && !done.has(pid))
    if (pids.length === 0) return
    for (const pid of pids) {
      done.add(pid)
      try {
        process.kill(pid, signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }
}
