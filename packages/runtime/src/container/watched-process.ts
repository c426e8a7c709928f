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

/** The first process of a container, ours or one that another process has started. */
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

/**
 * Finds the process of a container that another process has started: by its pin, else by its number, as long
 * as that still means the same process.
 *
 * @returns Undefined when it has ended and nobody saw how.
 */
export function foundProcess(context: Context, record: ContainerRecord): WatchedProcess | undefined {
  if (record.bootId !== context.host.bootId || record.pid === null) return undefined
  const pinned = openPin(join(context.pins, record.id))
  if (pinned !== undefined) return watch(record.pid, pinned.release(), record.startTicks)
  if (startTicks(record.pid) !== record.startTicks) return undefined
  const pidfd = pidfdOpen(record.pid)
  if (startTicks(record.pid) === record.startTicks) return watch(record.pid, pidfd, record.startTicks)
  closeSync(pidfd)
  return undefined
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
