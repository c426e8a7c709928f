import { Fd, isSyscallError, pidfdOpen } from '@ctr/linux'
import { bootId } from './boot-id.js'
import type { ContainerState } from './container-state.js'
import { processStat } from './process-stat.js'
import { isWaitingAtGate } from './start-gate.js'

/** State of a container as the spec names it, and `paused`, which it leaves to runtimes. */
export type ContainerStatus = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/**
 * A container's state in the form that the spec gives it: for callers, and for hooks on their standard input.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#state}
 */
export interface OciState {
  readonly ociVersion: string
  readonly id: string
  readonly status: ContainerStatus
  /** Process id of its first process; 0 when there is none. */
  readonly pid: number
  readonly bundle: string
  readonly annotations: Readonly<Record<string, string>>
}

/** What the record does not say, and is asked only when it matters. */
export interface StatusSources {
  /** The container's folder. */
  readonly folder: string
  /** True when its cgroup is frozen. */
  readonly frozen: () => boolean
  /** True while a command works on it ({@link StateStore.isBusy}). */
  readonly busy: () => boolean
}

/**
 * Finds out what a container does now.
 *
 * Its process is known by number, begin and boot: another one of the same number is never taken for it. A container
 * without a process is being made as long as a command works on it.
 */
export function containerStatus(
  state: ContainerState,
  { folder, frozen, busy }: StatusSources,
): ContainerStatus {
  if (state.pid === null) return busy() ? 'creating' : 'stopped'
  if (!isAlive(state)) return 'stopped'
  if (frozen()) return 'paused'
  return isWaitingAtGate(folder) ? 'created' : 'running'
}

/** True while the container's first process runs. */
export function isAlive(state: Pick<ContainerState, 'pid' | 'startTicks' | 'bootId'>): boolean {
  if (state.pid === null || state.bootId !== bootId()) return false
  const stat = processStat(state.pid)
  return stat !== undefined && stat.startTicks === state.startTicks && !stat.ended
}

/** A descriptor (pidfd) of the container's first process, and never of another one; undefined when it has ended. */
export function openInit(state: Pick<ContainerState, 'pid' | 'startTicks' | 'bootId'>): Fd | undefined {
  if (state.pid === null || state.bootId !== bootId()) return undefined
  let pidfd: Fd
  try {
    pidfd = new Fd(pidfdOpen(state.pid))
  } catch (error) {
    if (isSyscallError(error) && error.code === 'ESRCH') return undefined
    throw error
  }
  if (isAlive(state)) return pidfd // it was there when the record was written and still is, so it is what was opened
  pidfd.close()
  return undefined
}

/** The state of a container in the spec's form. */
export function ociState(state: ContainerState, status: ContainerStatus): OciState {
  const { ociVersion, id, pid, bundle, annotations } = state
  return { ociVersion, id, status, pid: status === 'stopped' ? 0 : (pid ?? 0), bundle, annotations }
}
