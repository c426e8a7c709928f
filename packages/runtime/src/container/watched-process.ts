import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  isSyscallError,
  onReadable,
  pidfdExitStatus,
  pidfdOpen,
  pidfdSendSignal,
  type ExitStatus,
  type ReadyWait,
} from '@ctr/linux'
import type { SpawnedProcess } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { startTicks, zombieStatus } from '../host.js'
import { openPin } from './pin.js'
import type { ContainerRecord } from './record.js'

/** A process that somebody has noted. */
export type NotedProcess = Pick<ContainerRecord, 'pid' | 'startTicks' | 'bootId'>

/** A process that runs in a container, ours or one that another process has started. */
export interface WatchedProcess {
  readonly pid: number
  /** Descriptor of the process, valid until it has ended. */
  readonly pidfd: number
  /** Resolves when it has ended; undefined when nobody saw how. */
  wait(): Promise<ExitStatus | undefined>
  /** Returns false when it has ended. */
  kill(signal: number): boolean
  /** Whoever waits for its end keeps this process alive. */
  ref(): void
  /** Stops watching. Does nothing for a process of our own, which must be reaped. */
  release(): void
}

/** Our own child. */
export function ownProcess(process: SpawnedProcess): WatchedProcess {
  return {
    pid: process.pid,
    pidfd: process.pidfd,
    wait: () => process.wait(),
    kill: (signal) => process.kill(signal),
    ref: () => {
      process.ref()
    },
    release: () => undefined,
  }
}

/** The first process of a container: see {@link findProcess}. */
export function foundProcess(context: Context, record: ContainerRecord): WatchedProcess | undefined {
  return findProcess(context, record, join(context.pins, record.id))
}

/**
 * Finds a process that another process has started: by its pin, else by its number, as long as that still means the
 * same process.
 *
 * @param pin - Where it is pinned, if it is.
 * @returns Undefined when it has ended and nobody saw how.
 */
export function findProcess(
  { host }: Context,
  { pid, startTicks: ticks, bootId }: NotedProcess,
  pin: string,
): WatchedProcess | undefined {
  if (bootId !== host.bootId || pid === null) return undefined
  const pinned = openPin(pin)
  if (pinned !== undefined) return watch(pid, pinned.release(), ticks)
  if (startTicks(pid) !== ticks) return undefined
  const pidfd = tryOpen(pid)
  if (pidfd === undefined) return undefined
  if (startTicks(pid) === ticks) return watch(pid, pidfd, ticks)
  closeSync(pidfd)
  return undefined
}

/** Undefined when it has just ended. */
function tryOpen(pid: number): number | undefined {
  try {
    return pidfdOpen(pid)
  } catch (error) {
    if (isSyscallError(error) && error.code === 'ESRCH') return undefined
    throw error
  }
}

function watch(pid: number, pidfd: number, ticks: string | null): WatchedProcess {
  let waiting: ReadyWait | undefined
  let ended: Promise<ExitStatus | undefined> | undefined
  let open = true
  const release = (): void => {
    waiting?.cancel()
    if (open) closeSync(pidfd)
    open = false
  }
  return {
    pid,
    pidfd,
    wait() {
      ended ??= new Promise((resolve) => {
        waiting = onReadable(pidfd, () => {
          resolve(statusOf(pid, pidfd, ticks).finally(release))
        })
      })
      return ended
    },
    ref: () => undefined, // it does from the first wait on
    kill: (signal) => open && pidfdSendSignal(pidfd, signal),
    release,
  }
}

/** How a process that is not our child has ended, as soon as its parent has reaped it, or before. */
async function statusOf(pid: number, pidfd: number, ticks: string | null): Promise<ExitStatus | undefined> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const zombie = zombieStatus(pid, ticks)
    if (zombie !== undefined) return decode(zombie)
    const status = tryStatus(pidfd)
    if (status !== 'not yet') return status
    await sleep(10)
  }
  return undefined
}

/** Takes a wait status apart (wait(2)). */
function decode(status: number): ExitStatus {
  const signal = status & 0x7f
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff, signal: undefined }
    : { exitCode: undefined, signal }
}

function tryStatus(pidfd: number): ExitStatus | undefined | 'not yet' {
  try {
    return pidfdExitStatus(pidfd) ?? 'not yet'
  } catch (error) {
    if (isSyscallError(error)) return undefined // a kernel that does not tell
    throw error
  }
}
