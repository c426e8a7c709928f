import { mkdirSync } from 'node:fs'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import { removeTree } from '../files/remove-tree.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { copyMerged } from './flat-trees.js'
import type { Projects } from '../quota/projects.js'
import type { StorageLimit } from '../quota/storage-limit.js'
import type { FlatTrees } from './flat-trees.js'
import { fillRoot, projectOfRoot, type RootRecord } from './root-folder.js'

/** What all root file systems of a store have in common. */
export interface RootContext {
  readonly flat: FlatTrees
  readonly namespace: StoreUserNamespace | undefined
  readonly projects: Projects
}

/**
 * Makes the folder of a root file system, whole or not at all.
 *
 * @returns The record that is kept of it.
 */
export async function makeRoot(
  { id, folder }: { readonly id: string; readonly folder: string },
  wanted: RootRecord,
  storage: StorageLimit | undefined,
  { namespace, projects }: RootContext,
): Promise<RootRecord> {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw systemError('make the root', id, error)
    throw new OverlayError('ERR_OVERLAY_EXISTS', `cannot make the root ${id}: it is there already`, {
      cause: error,
    })
  }
  let record = wanted
  try {
    // the folder is there: as long as it is, nobody gives the project back
    if (storage !== undefined) record = { ...wanted, project: projects.claim(id, storage) }
    fillRoot(folder, record, namespace)
    if (record.strategy === 'copy') await copyMerged(record.lower, record.upper!, namespace)
  } catch (error) {
    await removeTree(folder, namespace)
    if (record.project !== undefined) await projects.release(record.project)
    throw systemError('make the root', id, error)
  }
  return record
}

/** Removes the folder of a root file system, whole, half made or damaged. Does nothing when there is none. */
export async function removeRoot(folder: string, { namespace, projects }: RootContext): Promise<void> {
  const project = projectOfRoot(folder)
  await removeTree(folder, namespace)
  if (project !== undefined) await projects.release(project)
}
