import type * as Koffi from 'koffi'
import { closeFd, epollAdd, epollCreate, epollDelete, epollReady } from './calls/descriptors.js'
import { native } from './native.js'

/** A wait begun by {@link onReadable}. */
export interface ReadyWait {
  /** Ends the wait without a callback; does nothing when it is over. */
  cancel(): void
  /** The wait no longer keeps the event loop alive. */
  unref(): void
  /** It keeps it alive again. */
  ref(): void
}

interface Waiter {
  readonly ready: () => void
  referenced: boolean
}

/** The one epoll descriptor that serves all waits, and the poll handle that libuv has on it. */
interface Watch {
  readonly epoll: number
  readonly handle: Koffi.node.PollHandle
  readonly waiters: Map<number, Waiter>
  /** Waits that keep the event loop alive. */
  referenced: number
}

let watch: Watch | undefined

/**
 * Calls back once when a descriptor becomes readable. A pidfd is readable from the end of its process on,
 * whether that is our child or not. All waits share one epoll descriptor on the event loop: no thread, no
 * polling, no signal handler, no process per child.
 *
 * The event loop stays alive while somebody waits, unless the wait is `unref`ed.
 *
 * @param fd - Stays owned by the caller, who must not close it before the callback or `cancel`.
 * @param ready - Called once, from the event loop.
 * @throws {@link SyscallError} `EEXIST`: somebody waits for this descriptor already; `EPERM`: it cannot be
 *   waited for (a regular file).
 */
export function onReadable(fd: number, ready: () => void): ReadyWait {
  watch ??= openWatch()
  const current = watch
  const waiter: Waiter = { ready, referenced: true }
  epollAdd(current.epoll, fd)
  const stale = current.waiters.get(fd)
  if (stale !== undefined) forget(current, fd, stale) // its descriptor was closed, and the number is used again
  current.waiters.set(fd, waiter)
  hold(current)
  const pending = (): boolean => current.waiters.get(fd) === waiter
  return {
    cancel() {
      if (!pending()) return
      forget(current, fd, waiter)
      epollDelete(current.epoll, fd)
    },
    unref() {
      if (pending() && waiter.referenced) letGo(current)
      waiter.referenced = false
    },
    ref() {
      if (pending() && !waiter.referenced) hold(current)
      waiter.referenced = true
    },
  }
}

function openWatch(): Watch {
  const epoll = epollCreate()
  try {
    // an immediate runs in the same turn of the loop, and with what the native callback lacks: errors are
    // reported as uncaught ones, and promises go on
    const handle = native().koffi.node.poll(epoll, { readable: true }, () => setImmediate(dispatch, opened))
    handle.unref()
    const opened: Watch = { epoll, handle, waiters: new Map(), referenced: 0 }
    process.once('exit', closeWatch)
    return opened
  } catch (error) {
    closeFd(epoll)
    throw error
  }
}

/**
 * A worker thread takes its event loop with it when it ends, but not its descriptors. A process turns its loop once more
 * when nothing can be called any more: to be told then that something is readable would abort it.
 */
function closeWatch(): void {
  if (watch === undefined) return
  watch.waiters.clear()
  watch.handle.close()
  closeFd(watch.epoll)
  watch = undefined
}

function dispatch(current: Watch): void {
  for (const fd of epollReady(current.epoll)) {
    const waiter = current.waiters.get(fd)
    if (waiter === undefined) continue // cancelled by the callback of another one
    forget(current, fd, waiter)
    epollDelete(current.epoll, fd)
    waiter.ready()
  }
}

function forget(current: Watch, fd: number, waiter: Waiter): void {
  current.waiters.delete(fd)
  if (waiter.referenced) letGo(current)
}

function hold(current: Watch): void {
  current.referenced++
  if (current.referenced === 1) current.handle.ref()
}

function letGo(current: Watch): void {
  current.referenced--
  if (current.referenced === 0) current.handle.unref()
}
