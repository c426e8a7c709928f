import {
  AT_FDCWD,
  AT_RECURSIVE,
  AT_EMPTY_PATH,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  type Program,
  type Ref,
} from '@ctr/linux'

// no path of the image may lead through /proc to something of the host that the child has open
const resolve = RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS

/**
 * Attaches a detached mount at a path of the container, making what is missing. The path is resolved inside
 * the container's root, which is the child's root by then; magic links (`/proc/self/fd/N`) are refused.
 *
 * @param kind - Whether the mount is a folder or a file.
 */
export function place(program: Program, mount: Ref | number, path: string, kind: 'folder' | 'file'): void {
  const names = namesOf(path)
  makeEach(program, kind === 'folder' ? names : names.slice(0, -1))
  if (kind === 'file') makeFile(program, path)
  const at = program.call('openat2', [
    AT_FDCWD,
    path,
    openHow({ flags: O_PATH + O_CLOEXEC, resolve }),
    OPEN_HOW_SIZE,
  ])
  program.call('move_mount', [mount, '', at, '', MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH])
}

/** Makes a folder and those above it, where they are missing. */
export function makeFolders(program: Program, path: string): void {
  makeEach(program, namesOf(path))
}

/** Makes a mount, and those below it where `recursive`, read-only. */
export function makeReadOnly(program: Program, mount: Ref, recursive = false): void {
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
function makeEach(program: Program, names: readonly string[]): void {
  names.forEach((name, depth) => {
    const parent = depth === 0 ? AT_FDCWD : openFolder(program, `/${names.slice(0, depth).join('/')}`)
    // on a read-only file system what is there is good enough; what is missing shows at the mount
    program.call('mkdirat', [parent, depth === 0 ? `/${name}` : name, 0o755], {
      tolerate: ['EEXIST', 'EROFS'],
    })
  })
}

function openFolder(program: Program, path: string): Ref {
  const how = openHow({ flags: O_PATH + O_DIRECTORY + O_CLOEXEC, resolve })
  return program.call('openat2', [AT_FDCWD, path, how, OPEN_HOW_SIZE])
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/**
 * Makes a file where there is none. What is there, of whatever kind, is good enough: opened to read it is not
 * copied up, and nothing waits for a fifo.
 */
function makeFile(program: Program, path: string): void {
  const flags = O_RDONLY + O_CREAT + O_NONBLOCK + O_NOCTTY + O_CLOEXEC
  program.call('openat2', [AT_FDCWD, path, openHow({ flags, mode: 0o644, resolve }), OPEN_HOW_SIZE], {
    tolerate: ['EROFS', 'EISDIR', 'ENXIO', 'EACCES'],
  })
}
