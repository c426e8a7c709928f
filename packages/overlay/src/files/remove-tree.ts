import { closeSync, fstatSync, openSync, opendirSync, type Dir } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  AT_REMOVEDIR,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  RENAME_NOREPLACE,
  syscall,
  syscallOr,
} from '@ctr/linux'
import { errnoOf, systemError } from '../errors.js'
import { byteString, byteStringOf, kernelString, type ByteString } from './byte-string.js'
import { pathOfFd } from './open-in.js'

/** Names removed before the event loop gets its turn. */
const perTurn = 500

/**
 * Removes a file or a folder with everything in it, however deep, without following links. Works on trees
 * that no path reaches any more because they are too deep, and on names that are no UTF-8. Does nothing when
 * there is nothing.
 *
 * @param path - What to remove; links in the folders above it are followed.
 * @throws {@link OverlayError} `ERR_OVERLAY_PERMISSION` for immutable files and foreign owners,
 *   `ERR_OVERLAY_IO` for others, a mount point (`EBUSY`) for example.
 */
export async function removeTree(path: string): Promise<void> {
  let parent: number
  try {
    parent = openSync(dirname(path), O_RDONLY | O_DIRECTORY)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw systemError('remove', path, error)
  }
  try {
    let count = 0
    for (const _ of removal(parent, byteStringOf(basename(path)))) {
      if (++count % perTurn === 0) await nextTurn()
    }
  } catch (error) {
    throw systemError('remove', path, error)
  } finally {
    closeSync(parent)
  }
}

/** The same for a name in an open folder, at once. */
export function removeNameSync(parent: number, name: ByteString): void {
  for (const _ of removal(parent, name)) {
    // every step is a system call that has been made
  }
}

/**
 * Removes `name`. Folders that lie deeper than one level are first moved up into the top one, so that two
 * descriptors are enough for any depth.
 */
function* removal(parent: number, name: ByteString): Generator<void> {
  if (unlink(parent, name)) return
  const top = openFolder(parent, name)
  try {
    let moved = 0
    for (let again = true; again;) {
      again = false
      for (const child of names(top)) {
        yield
        if (unlink(top, child)) continue
        again = true // what was moved up need not be in this listing
        moved = yield* emptyInto(top, child, moved)
      }
    }
  } finally {
    closeSync(top)
  }
  syscallOr(['ENOENT'], 'unlinkat', parent, kernelString(name), AT_REMOVEDIR)
}

/** Removes folder `name` of `top`; folders in it become folders of `top`. */
function* emptyInto(top: number, name: ByteString, moved: number): Generator<void, number> {
  const folder = openFolder(top, name)
  try {
    const { ino } = fstatSync(folder, { bigint: true })
    for (const child of names(folder)) {
      yield
      if (unlink(folder, child)) continue
      // unique among what is moved; a name of the tree that is in the way is skipped
      while (!moveUp(folder, child, top, `.removed-${ino}-${moved++}`));
    }
  } finally {
    closeSync(folder)
  }
  syscallOr(['ENOENT'], 'unlinkat', top, kernelString(name), AT_REMOVEDIR)
  return moved
}

function moveUp(folder: number, name: ByteString, top: number, to: string): boolean {
  return (
    syscallOr(['EEXIST'], 'renameat2', folder, kernelString(name), top, to, RENAME_NOREPLACE) !== 'EEXIST'
  )
}

/** True when the name is gone; false when it is a folder. */
function unlink(parent: number, name: ByteString): boolean {
  return syscallOr(['EISDIR', 'ENOENT'], 'unlinkat', parent, kernelString(name), 0) !== 'EISDIR'
}

function openFolder(parent: number, name: ByteString): number {
  return syscall('openat', parent, kernelString(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
}

/** Names in an open folder, as bytes, read piece by piece. */
export function* names(folder: number): Generator<ByteString> {
  // Node's types know only text names, but `encoding: 'buffer'` gives bytes
  const directory: Dir = opendirSync(pathOfFd(folder), {
    encoding: 'buffer' as BufferEncoding,
    bufferSize: 256,
  })
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      yield byteString(entry.name as unknown as Buffer)
    }
  } finally {
    directory.closeSync()
  }
}
