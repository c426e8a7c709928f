import type * as Koffi from 'koffi'
import { closeFd, epollAdd, epollCreate } from './calls/descriptors.js'
import { EPOLLPRI } from './constants/process.js'
import { isMainThread } from './main-thread.js'
import { native } from './native.js'

/** A watch begun by {@link onUrgent}. */
export interface UrgentWatch {
  /** Ends the watch; does nothing when it is over. */
  close(): void
}

/**
 * Calls back each time a descriptor has something urgent to tell (`POLLPRI`), or an error: a trigger of a pressure
 * file fired, `/proc/self/mounts` changed. The event loop stays alive until the watch is closed.
 *
 * The kernel tells once, to whoever asks: libuv does when it looks whether the epoll descriptor made here is ready, so
 * that being called is the news, and asking again would find nothing.
 *
 * @param fd - Stays owned by the caller, who must not close it before the watch.
 * @param urgent - Called from the event loop.
 * @throws {@link SyscallError} `EPERM`: it cannot be waited for.
 */
export function onUrgent(fd: number, urgent: () => void): UrgentWatch {
  const epoll = epollCreate()
  let handle: Koffi.node.PollHandle | undefined
  const close = (): void => {
    if (handle === undefined) return
    handle.close()
    handle = undefined
    closeFd(epoll)
    if (!isMainThread()) process.removeListener('exit', close)
  }
  try {
    epollAdd(epoll, fd, EPOLLPRI)
    // an immediate has what the native callback lacks: errors are reported as uncaught ones, and promises go on
    handle = native().koffi.node.poll(epoll, { readable: true }, () =>
      setImmediate(() => {
        if (handle !== undefined) urgent()
      }),
    )
  } catch (error) {
    closeFd(epoll)
    throw error
  }
  if (!isMainThread()) process.once('exit', close)
  return { close }
}
