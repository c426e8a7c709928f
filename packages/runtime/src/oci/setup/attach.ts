import { posix } from 'node:path'
import {
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFREG,
  type Program,
  type Ref,
} from '@ctr/linux'
import { namesOf } from '../../setup/place.js'
import type { Place } from './root-view.js'

/** The root of the container, or another descriptor. */
export type Descriptor = Ref | number

const resolve = RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS + RESOLVE_NO_SYMLINKS
const anything = openHow({ flags: O_PATH + O_NOFOLLOW + O_CLOEXEC, resolve })
const folder = openHow({ flags: O_PATH + O_DIRECTORY + O_CLOEXEC, resolve })

/** Opens a planned place as it is (`O_PATH`). No link is followed: the plan has done that, and none may be new. */
export function openPlace(program: Program, root: Descriptor, path: string): Ref {
  return program.call('openat2', [root, path, anything, OPEN_HOW_SIZE])
}

/** Opens the folder that a planned place is in, to make something there by name; makes what is missing of it. */
export function openParent(program: Program, root: Descriptor, { path, missing }: Place): Ref {
  const names = namesOf(path).slice(0, -1)
  return openMade(program, root, names, Math.max(0, missing - 1))
}

/** Makes what is missing of a folder. */
export function makeFolder(program: Program, root: Descriptor, { path, missing }: Place): void {
  if (missing > 0) program.call('close', [openMade(program, root, namesOf(path), missing)])
}

/**
 * Attaches a detached mount at a planned place, and makes what is missing of it.
 *
 * @param kind - What the mount is.
 */
export function attachAt(
  program: Program,
  root: Descriptor,
  mount: Descriptor,
  place: Place,
  kind: 'folder' | 'file',
): void {
  const at = makeAndOpen(program, root, place, kind)
  program.call('move_mount', [mount, '', at, '', MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH])
  program.call('close', [at])
}

/** Makes what is missing of a place and opens it as it is. */
export function makeAndOpen(program: Program, root: Descriptor, place: Place, kind: 'folder' | 'file'): Ref {
  if (kind === 'folder' && place.missing > 0)
    return openMade(program, root, namesOf(place.path), place.missing)
  if (place.missing > 0) {
    const parent = openParent(program, root, place)
    // made, not opened: whatever is there already is good enough, and nothing happens to it
    program.call('mknodat', [parent, posix.basename(place.path), S_IFREG + 0o644, 0], { tolerate: there })
    program.call('close', [parent])
  }
  return openPlace(program, root, place.path)
}

// what is there is good enough, also where nothing can be made; what is missing shows when it is opened
const there = ['EEXIST', 'EROFS', 'EPERM', 'ENOENT']

function openMade(program: Program, root: Descriptor, names: readonly string[], missing: number): Ref {
  const known = names.length - missing
  let at = program.call('openat2', [root, `/${names.slice(0, known).join('/')}`, folder, OPEN_HOW_SIZE])
  for (const name of names.slice(known)) {
    program.call('mkdirat', [at, name, 0o755], { tolerate: there })
    const next = program.call('openat2', [at, name, folder, OPEN_HOW_SIZE])
    program.call('close', [at])
    at = next
  }
  return at
}
