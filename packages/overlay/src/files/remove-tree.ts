import { closeSync, fstatSync, openSync } from 'node:fs'
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
import { takeOver, type StoreUserNamespace } from '../ids/user-namespace.js'
import { byteStringOf, kernelString, type ByteString } from './byte-string.js'
import { names } from './names.js'
import { openName } from './open-in.js'

/** Names removed before the event loop gets its turn. */
const perTurn = 500

/**
 * Removes a file or a folder with everything in it, however deep, without following links. Works on trees
 * that no path reaches any more because they are too deep, and on names that are no UTF-8. Does nothing when
 * there is nothing.
 *
 * @param path - What to remove; links in the folders above it are followed.
 * @param namespace - For a caller without privileges: a user namespace in which the owners of what is removed are
 *   mapped.
 * @throws {@link OverlayError} `ERR_OVERLAY_PERMISSION` for immutable files and foreign owners,
 *   `ERR_OVERLAY_IO` for others, a mount point (`EBUSY`) for example.
 */
export async function removeTree(path: string, namespace?: StoreUserNamespace): Promise<void> {
  let parent: number
  try {
    parent = openSync(dirname(path), O_RDONLY | O_DIRECTORY)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw systemError('remove', path, error)
  }
  try {
    let count = 0
    for (const _ of removal(parent, byteStringOf(basename(path)), namespace)) {
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
function* removal(parent: number, name: ByteString, namespace?: StoreUserNamespace): Generator<void> {
  if (unlink(parent, name)) return
  own(parent, name, namespace)
  const top = openFolder(parent, name)
  try {
    let moved = 0
    for (let again = true; again;) {
      again = false
      for (const child of names(top)) {
        yield
        if (unlink(top, child)) continue
        again = true // what was moved up need not be in this listing
        own(top, child, namespace)
        moved = yield* emptyInto(top, child, moved, namespace)
      }
    }
  } finally {
    closeSync(top)
  }
  syscallOr(['ENOENT'], 'unlinkat', parent, kernelString(name), AT_REMOVEDIR)
}

/** Removes folder `name` of `top`; folders in it become folders of `top`. */
function* emptyInto(
  top: number,
  name: ByteString,
  moved: number,
  namespace: StoreUserNamespace | undefined,
): Generator<void, number> {
  const folder = openFolder(top, name)
  try {
    const { ino } = fstatSync(folder, { bigint: true })
    for (const child of names(folder)) {
      yield
      if (unlink(folder, child)) continue
      own(folder, child, namespace) // a folder that is moved is written to
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

/** Makes sure that everything in a folder can be removed: root may anyway. */
function own(parent: number, name: ByteString, namespace: StoreUserNamespace | undefined): void {
  if (namespace === undefined) return
  const fd = openName(parent, name)
  const { uid, mode } = fstatSync(fd)
  closeSync(fd)
  if (uid !== process.geteuid?.() || (mode & 0o700) !== 0o700) takeOver(namespace, parent, name)
}
