import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { isSyscallError, MNT_DETACH, mount, MS_BIND, umount2, UMOUNT_NOFOLLOW } from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { procName, type NamespaceKind } from './kinds.js'

/**
 * Pins a namespace to a file by a bind mount, so that it stays when its last process ends; join it by
 * `{ path }`. As `ip netns add` does for network namespaces.
 *
 * @param source - A process in the namespace, or an open descriptor of the namespace.
 * @param kind - Which of its namespaces. The mount namespace cannot be pinned below itself.
 * @param path - File to pin to; made with its folders where it is not there.
 * @throws {@link NamespacesError} `ERR_NAMESPACES_NOT_FOUND`: no such process; `ERR_NAMESPACES_START`: the
 *   kernel refuses the mount (`cause`).
 */
export function pin(
  source: { readonly pid: number } | { readonly fd: number },
  kind: NamespaceKind,
  path: string,
): void {
  const from = 'fd' in source ? `/proc/self/fd/${source.fd}` : `/proc/${source.pid}/ns/${procName[kind]}`
  mkdirSync(dirname(path), { recursive: true })
  closeSync(openSync(path, 'a'))
  try {
    mount(from, path, null, MS_BIND)
  } catch (cause) {
    rmSync(path, { force: true })
    const missing = isSyscallError(cause) && cause.code === 'ENOENT'
    throw new NamespacesError(
      missing ? 'ERR_NAMESPACES_NOT_FOUND' : 'ERR_NAMESPACES_START',
      `cannot pin the ${kind} namespace ${from} to ${path}${missing ? ': it does not exist' : ''}`,
      { cause },
    )
  }
}

/** Releases a pinned namespace and removes the file. Does nothing where nothing is pinned. */
export function unpin(path: string): void {
  try {
    umount2(path, MNT_DETACH + UMOUNT_NOFOLLOW)
  } catch (error) {
    if (!isSyscallError(error) || (error.code !== 'EINVAL' && error.code !== 'ENOENT')) throw error
  }
  rmSync(path, { force: true })
}
