import { closeSync, fstatSync, openSync } from 'node:fs'
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import type { ByteString } from '../files/byte-string.js'
import { pathOfFd } from '../files/open-in.js'
import { Tree, type TreeEntry } from './tree-entries.js'

/** Whose all entries are. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * The entries of one file, link or device, or of a folder with everything in it, under another name.
 *
 * @param place - Any descriptor that stands for it; stays the caller's.
 * @param name - What it is called in the archive; `/` and `.` name a folder itself.
 */
export function* placeEntries(
  place: number,
  name: ByteString,
  owner: Owner | undefined,
): Generator<TreeEntry, void> {
  const tree = new Tree({ isUpper: false })
  const stat = fstatSync(place, { bigint: true })
  if (!stat.isDirectory()) {
    for (const { entry, content } of tree.file(place, stat, name))
      yield { entry: { ...entry, ...owner }, content }
    return
  }
  const inside = name === '/' ? name : `${name}/`
  const folder = openSync(pathOfFd(place), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  try {
    for (const { entry, content } of tree.below([folder], '', 0)) {
      const path = entry.path === './' ? inside : inside + entry.path
      const target = entry.kind === 'hardlink' ? inside + entry.target : entry.target
      yield { entry: { ...entry, path, target, ...owner }, content }
    }
  } finally {
    closeSync(folder)
  }
}
