import { AT_FDCWD, isSyscallError, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
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
    if (!isSyscallError(cause)) throw cause
    const why = cause.code === 'ENOENT' ? 'no such file or directory' : cause.message
    throw new RuntimeError('ERR_RUNTIME_START', `cannot open ${what}: open ${path}: ${why}`, { cause })
  }
}
