import type * as Koffi from 'koffi'
import { closeFd, epollAdd, epollCreate, epollDelete, epollReady } from './calls/descriptors.js'
import { native } from './native.js'

/** The waiting callers, by pidfd, and the one poll handle of libuv that serves them all. */
interface Watch {
  readonly epoll: number
  readonly handle: Koffi.node.PollHandle
  readonly waiting: Map<number, () => void>
}

let watch: Watch | undefined

/**
 * Calls back when the process behind a pidfd has ended, whether it is our child or not. All pidfds share one
 * epoll descriptor on the event loop: no thread, no polling, no signal handler, no process per child.
 *
 * While somebody waits the event loop stays alive.
 *
 * @param pidfd - Stays owned by the caller, who must not close it before the callback or the cancellation, and
 *   waits for it once at a time.
 * @param ended - Called once, from the event loop.
 * @returns Cancels: ends the wait without a callback; does nothing after one.
 * @throws {@link SyscallError} `EEXIST`: somebody waits for this descriptor already.
 */
export function onExit(pidfd: number, ended: () => void): () => void {
  watch ??= openWatch()
  const current = watch
  epollAdd(current.epoll, pidfd)
  current.waiting.set(pidfd, ended)
  if (current.waiting.size === 1) current.handle.ref()
  return () => {
    if (current.waiting.get(pidfd) !== ended) return
    epollDelete(current.epoll, pidfd)
    forget(current, pidfd)
  }
}

function openWatch(): Watch {
  const { koffi } = native()
  const epoll = epollCreate()
  const waiting = new Map<number, () => void>()
  let handle: Koffi.node.PollHandle
  try {
    handle = koffi.node.poll(epoll, { readable: true }, () => {
      dispatch(opened)
    })
  } catch (error) {
    closeFd(epoll)
    throw error
  }
  handle.unref()
  const opened: Watch = { epoll, handle, waiting }
  return opened
}

function dispatch(current: Watch): void {
  for (const pidfd of epollReady(current.epoll)) {
    const ended = current.waiting.get(pidfd)
    epollDelete(current.epoll, pidfd)
    forget(current, pidfd)
    ended?.()
  }
}

function forget(current: Watch, pidfd: number): void {
  current.waiting.delete(pidfd)
  if (current.waiting.size === 0) current.handle.unref()
}
