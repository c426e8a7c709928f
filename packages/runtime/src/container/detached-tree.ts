import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  executeInChild,
  Fd,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW_SIZE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  type Program,
  type Ref,
} from '@ctr/linux'

/*
 * Detached mounts: those that are in no mount namespace. Old kernels look into them and change them in mount
 * namespaces alone, so that is done in one for the moment, at a folder where nobody else has anything mounted.
 */

/** A detached mount of a part of a detached mount. */
export function partOf(tree: Fd, subpath: string, mountpoint: string): Fd {
  return whileMounted(tree, mountpoint, (program, root) => {
    const part = openInRoot(program.step(`open ${subpath}`), root, subpath)
    return { taken: part, opened: [part] }
  })
}

/** A detached copy of a detached tree with a mount more in it. */
export function withMountIn(tree: Fd, mount: Fd, target: string, mountpoint: string): Fd {
  return whileMounted(tree, mountpoint, (program, root) => {
    const place = openInRoot(program.step(`mount at ${target}`), root, target)
    const toPlace = MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH
    program.call('move_mount', [mount.number, '', place, '', toPlace])
    return { taken: root, opened: [place] }
  })
}

/** Of the descriptors of a program: the tree that is taken along, and those that are of no more use then. */
interface Found {
  readonly taken: Ref
  readonly opened: readonly Ref[]
}

function whileMounted(tree: Fd, mountpoint: string, find: (program: Program, root: Ref) => Found): Fd {
  return new Fd(
    executeInChild((program) => {
      program.step('make a mount namespace').call('unshare', [CLONE_NEWNS])
      program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
      program.step('mount the files')
      program.call('move_mount', [tree.number, '', AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH])
      const root = program.call('openat', [AT_FDCWD, mountpoint, O_PATH + O_DIRECTORY + O_CLOEXEC, 0])
      const { taken, opened } = find(program, root)
      const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE + AT_EMPTY_PATH
      const copy = program.step('take them along').call('open_tree', [taken, '', flags])
      for (const fd of [...opened, root]) program.call('close', [fd])
      return copy
    }),
  )
}

function openInRoot(program: Program, root: Ref, path: string): Ref {
  const how = openHow({ flags: O_PATH + O_CLOEXEC, resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS })
  return program.call('openat2', [root, path, how, OPEN_HOW_SIZE])
}
