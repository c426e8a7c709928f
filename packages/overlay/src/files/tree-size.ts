import { closeSync, openSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import { errnoOf, isOverlayError, systemError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import type { ByteString } from './byte-string.js'
import { names } from './names.js'
import { TreeAccess } from './tree-access.js'

/** Names looked at before the event loop gets its turn. */
const perTurn = 200
/** Folders in each other. Each costs a descriptor while those below it are read. */
const deepest = 512

/**
 * Bytes of all files of a tree that somebody may be writing to, as `ls -l` tells them: a file with several names
 * once, folders not at all. No link is followed. What goes away meanwhile does not count, nor does what lies more than
 * 512 levels deep.
 */
export async function treeSize(path: string, namespace?: StoreUserNamespace): Promise<number> {
  let total = 0
  let count = 0
  try {
    const top = openSync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try {
      for (const size of sizesIn(top, 0, new TreeAccess(namespace), new Set())) {
        total += size
        if (++count % perTurn === 0) await nextTurn()
      }
    } finally {
      closeSync(top)
    }
  } catch (error) {
    throw systemError('measure', path, error)
  }
  return total
}

/** One size for each name in a folder and below it. */
function* sizesIn(folder: number, depth: number, access: TreeAccess, linked: Set<bigint>): Generator<number> {
  for (const name of names(folder)) {
    const stat = access.stat(folder, name)
    if (stat?.isDirectory() === true) {
      yield 0
      const inside = depth < deepest ? openFolder(access, folder, name) : undefined
      if (inside === undefined) continue
      try {
        yield* sizesIn(inside, depth + 1, access, linked)
      } finally {
        closeSync(inside)
      }
    } else if (stat === undefined || (stat.nlink > 1n && linked.has(stat.ino))) yield 0
    else {
      if (stat.nlink > 1n) linked.add(stat.ino)
      yield Number(stat.size)
    }
  }
}

/** Undefined when it is gone, or no folder any more. */
function openFolder(access: TreeAccess, folder: number, name: ByteString): number | undefined {
  try {
    return access.openFolder(folder, name)
  } catch (error) {
    if (isOverlayError(error) && error.code === 'ERR_OVERLAY_NOT_FOUND') return undefined
    if (['ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}
