import { posix } from 'node:path'
import {
  AT_RECURSIVE,
  AT_EMPTY_PATH,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Program,
  type Ref,
} from '@ctr/linux'

// no path of the image may lead through /proc to something of the host that the child has open
const resolve = RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS

/** How the place of a mount is looked for. */
export interface PlaceOptions {
  /** No symbolic link may be on the way. */
  readonly noSymlinks?: boolean
  /** A symbolic link at the end is itself what is mounted over. */
  readonly noFollow?: boolean
}

/**
 * Attaches a detached mount at a path of the container, making what is missing. The path is resolved inside
 * the container's root; magic links (`/proc/self/fd/N`) are refused.
 *
 * @param root - The container's root, attached already.
 * @param kind - Whether the mount is a folder or a file.
 */
export function place(
  program: Program,
  root: Ref | number,
  mount: Ref | number,
  path: string,
  kind: 'folder' | 'file',
  { noSymlinks = false, noFollow = false }: PlaceOptions = {},
): void {
  const names = namesOf(path)
  makeEach(program, root, kind === 'folder' ? names : names.slice(0, -1))
  if (kind === 'file') makeFile(program, root, path, noFollow)
  const how = openHow({
    flags: O_PATH + O_CLOEXEC + (noFollow ? O_NOFOLLOW : 0),
    resolve: resolve + (noSymlinks ? RESOLVE_NO_SYMLINKS : 0),
  })
  const at = program.call('openat2', [root, path, how, OPEN_HOW_SIZE])
  program.call('move_mount', [mount, '', at, '', MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH])
  program.call('close', [at])
}

/** Makes a folder and those above it, where they are missing. */
export function makeFolders(program: Program, root: Ref | number, path: string): void {
  makeEach(program, root, namesOf(path))
}

/** Makes a mount, and those below it where `recursive`, read-only. */
export function makeReadOnly(program: Program, mount: Ref | number, recursive = false): void {
  program.call('mount_setattr', [
    mount,
    '',
    AT_EMPTY_PATH + (recursive ? AT_RECURSIVE : 0),
    mountAttributes({ set: MOUNT_ATTR_RDONLY }),
    32,
  ])
}

/**
 * Makes each folder of a path that is missing. Every parent is resolved inside the root and without magic links
 * before a name is made in it; a name itself is never followed.
 */
function makeEach(program: Program, root: Ref | number, names: readonly string[]): void {
  names.forEach((name, depth) => {
    const parent = depth === 0 ? root : openFolder(program, root, `/${names.slice(0, depth).join('/')}`)
    // on a read-only file system what is there is good enough; what is missing shows at the mount
    program.call('mkdirat', [parent, name, 0o755], { tolerate: ['EEXIST', 'EROFS'] })
    if (parent !== root) program.call('close', [parent])
  })
}

/** Opens a folder of the container, to make something in it by name. */
export function openFolder(program: Program, root: Ref | number, path: string): Ref {
  const how = openHow({ flags: O_PATH + O_DIRECTORY + O_CLOEXEC, resolve })
  return program.call('openat2', [root, path, how, OPEN_HOW_SIZE])
}

/** The names in a path; `.` and `..` mean what they mean at the root. */
export function namesOf(path: string): string[] {
  return posix
    .resolve('/', path)
    .split('/')
    .filter((name) => name !== '')
}

/**
 * Makes a file where there is none. What is there, of whatever kind, is good enough: opened to read it is not
 * copied up, and nothing waits for a fifo.
 */
function makeFile(program: Program, root: Ref | number, path: string, noFollow: boolean): void {
  const flags = O_RDONLY + O_CREAT + O_NONBLOCK + O_NOCTTY + O_CLOEXEC + (noFollow ? O_NOFOLLOW : 0)
  const how = openHow({ flags, mode: 0o644, resolve })
  const file = program.call('openat2', [root, path, how, OPEN_HOW_SIZE], {
    tolerate: ['EROFS', 'EISDIR', 'ENXIO', noFollow ? 'ELOOP' : 'EACCES'],
  })
  program.call('close', [file], { tolerate: ['EBADF'] })
}
