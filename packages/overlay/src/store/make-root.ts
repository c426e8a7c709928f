import { mkdirSync } from 'node:fs'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import { removeTree } from '../files/remove-tree.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { copyMerged } from './flat-trees.js'
import { fillRoot, type RootRecord } from './root-folder.js'

/** Makes the folder of a root file system, whole or not at all. */
export async function makeRoot(
  { id, folder }: { readonly id: string; readonly folder: string },
  record: RootRecord,
  namespace: StoreUserNamespace | undefined,
): Promise<void> {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw systemError('make the root', id, error)
    throw new OverlayError('ERR_OVERLAY_EXISTS', `cannot make the root ${id}: it is there already`, {
      cause: error,
    })
  }
  try {
    fillRoot(folder, record, namespace)
    if (record.strategy === 'copy') await copyMerged(record.lower, record.upper!, namespace)
  } catch (error) {
    await removeTree(folder, namespace)
    throw systemError('make the root', id, error)
  }
}
