import { closeSync } from 'node:fs'
import { isSyscallError, onReadable, pidfdOpen, type ReadyWait } from '@ctr/linux'
import type { UserNetwork } from './network-program.js'
import { runningProgram } from './user-network.js'

/** Watches the program that connects a container to the network. */
export interface NetworkWatch extends Disposable {
  /**
   * Resolves when the program has ended, with words for a person; with null when nobody watches any more.
   */
  readonly lost: Promise<string | null>
}

/** What it means that the program has ended. */
export function networkLostText(program: UserNetwork): string {
  return `${program}, which connects the container to the network, has ended: the container has no network any more, and its ports are not published; start it anew`
}

/**
 * Watches by a pidfd, so without polling. Keeps this process alive until the program has ended or nobody watches.
 *
 * @param pidFile - Where its process id is noted.
 */
export function watchNetwork(program: UserNetwork, pidFile: string): NetworkWatch {
  let settle: (text: string | null) => void = () => undefined
  const lost = new Promise<string | null>((resolve) => {
    settle = resolve
  })
  const pidfd = openProgram(pidFile)
  if (pidfd === undefined) {
    settle(networkLostText(program))
    return { lost, [Symbol.dispose]: () => undefined }
  }
  let isOpen = true
  const close = (): void => {
    if (isOpen) closeSync(pidfd)
    isOpen = false
  }
  const wait: ReadyWait = onReadable(pidfd, () => {
    close()
    settle(networkLostText(program))
  })
  return {
    lost,
    [Symbol.dispose]() {
      wait.cancel()
      close()
      settle(null)
    },
  }
}

/** A descriptor of the program, which its number still means when it is open. */
function openProgram(pidFile: string): number | undefined {
  const pid = runningProgram(pidFile)
  if (pid === undefined) return undefined
  let pidfd: number
  try {
    pidfd = pidfdOpen(pid)
  } catch (error) {
    if (isSyscallError(error) && error.code === 'ESRCH') return undefined
    throw error
  }
  if (runningProgram(pidFile) === pid) return pidfd
  closeSync(pidfd)
  return undefined
}
