import { syscall } from '../syscall.js'

/**
 * unshare(2). Acts on the calling thread only: on Node's main thread, undo it with `setns` in the same turn of
 * the event loop, so that nothing else runs in between.
 *
 * @param flags - `CLONE_NEW*`; a user namespace is refused (`EINVAL`), Node has many threads.
 */
export function unshare(flags: number): void {
  syscall('unshare', flags)
}

/**
 * setns(2). Acts on the calling thread only, as `unshare`.
 *
 * @param fd - Descriptor of a namespace, or a pidfd with `flags` naming several kinds.
 * @param flags - Kind that the namespace must be of, 0 for any.
 */
export function setns(fd: number, flags: number): void {
  syscall('setns', fd, flags)
}
