import {
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  isSyscallError,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { ParsedMountOptions } from '../config/mount-options.js'
import type { Call } from './call.js'

/** Flags of open_tree(2) for a detached copy. */
export const TREE = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC

/**
 * Opens a file or folder of the host as a detached mount.
 *
 * @param what - For messages.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`
 */
export function openTree(call: Call, path: string, flags: number, what: string): number {
  try {
    return call('open_tree', AT_FDCWD, path, flags)
  } catch (cause) {
    throw isSyscallError(cause) ? cannotOpen(path, what, cause) : cause
  }
}

/** Why something of the host cannot be used. */
export function cannotOpen(
  path: string,
  what: string,
  cause: Error & { readonly code?: unknown },
): RuntimeError {
  const why = cause.code === 'ENOENT' ? 'no such file or directory' : cause.message
  return new RuntimeError('ERR_RUNTIME_START', `cannot open ${what}: open ${path}: ${why}`, { cause })
}

/** Flags of open_tree(2) for the source of a bind. */
export function treeFlags({ sourceNoFollow }: ParsedMountOptions, recursive: boolean): number {
  return TREE + (recursive ? AT_RECURSIVE : 0) + (sourceNoFollow ? AT_SYMLINK_NOFOLLOW : 0)
}
