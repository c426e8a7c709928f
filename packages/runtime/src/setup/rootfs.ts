import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  mountAttributes,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'

/** One setting of a file system, as fsconfig(2) takes it: a string, or a bare flag. */
export type FileSystemParameter = readonly [key: string, value: string] | readonly [flag: string]

/** Where the root file system comes from. */
export type RootSource =
  /** An overlay, by its parameters. */
  | { readonly overlay: readonly FileSystemParameter[] }
  /** A detached mount of ours, of which the container gets a copy. */
  | { readonly mount: number }
  /** A detached mount of ours, which becomes the container's. */
  | { readonly given: number }
  /** A folder of the host, used as it is. */
  | { readonly folder: string }

/**
 * Makes a detached mount of a new file system.
 *
 * @param attributes - `MOUNT_ATTR_*`.
 * @param source - What `/proc/mounts` shows as its source.
 * @returns The mount.
 */
export function newFileSystem(
  program: Program,
  type: string,
  parameters: readonly FileSystemParameter[],
  attributes: number,
  source = type,
): Ref {
  const fs = program.call('fsopen', [type, FSOPEN_CLOEXEC])
  program.call('fsconfig', [fs, FSCONFIG_SET_STRING, 'source', source, 0])
  for (const [key, value] of parameters) {
    if (value === undefined) program.call('fsconfig', [fs, FSCONFIG_SET_FLAG, key, null, 0])
    else program.call('fsconfig', [fs, FSCONFIG_SET_STRING, key, value, 0])
  }
  program.call('fsconfig', [fs, FSCONFIG_CMD_CREATE, null, null, 0])
  const mount = program.call('fsmount', [fs, FSMOUNT_CLOEXEC, attributes])
  program.call('close', [fs])
  return mount
}

/** A detached copy of a file or folder of the host, with everything mounted below it. */
export function bindSource(program: Program, path: string): Ref {
  const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE
  return program.call('open_tree', [AT_FDCWD, path, flags], { step: `open the volume ${path}` })
}

/**
 * Makes the root file system the root of the child and lets go of the host's: from here on no path leads to
 * the host. What is to come from the host must have been opened before.
 *
 * @param source - What becomes the root.
 * @param attributes - `MOUNT_ATTR_*` of the root.
 * @param mountpoint - An empty folder of the host; the mount is seen by nobody but the child.
 * @returns The mount of the root.
 */
export function enterRoot(program: Program, source: RootSource, mountpoint: string, attributes: number): Ref {
  program.step('mount the root file system')
  const root = openRoot(program, source, attributes)
  program.call('move_mount', [root, '', AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH])
  program.step('change the root')
  program.call('fchdir', [root])
  program.call('pivot_root', ['.', '.'])
  // the old root lies on top of the new one now; without it nothing of the host is left
  program.call('umount2', ['.', MNT_DETACH])
  program.call('chdir', ['/'])
  return root
}

/** Keeps what is mounted from now on from reaching the host, and what the host mounts from coming in. */
export function isolateMounts(program: Program): void {
  program.step('make all mounts private').call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
}

function openRoot(program: Program, source: RootSource, attributes: number): Ref {
  if ('overlay' in source) return newFileSystem(program, 'overlay', source.overlay, attributes)
  if ('given' in source) {
    const root = program.call('open_tree', [source.given, '', OPEN_TREE_CLOEXEC + AT_EMPTY_PATH])
    setAttributes(program, root, attributes)
    return root
  }
  const clone = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC
  const root =
    'mount' in source
      ? program.call('open_tree', [source.mount, '', clone + AT_EMPTY_PATH])
      : program.call('open_tree', [AT_FDCWD, source.folder, clone + AT_RECURSIVE])
  setAttributes(program, root, attributes)
  return root
}

function setAttributes(program: Program, mount: Ref, attributes: number): void {
  if (attributes === 0) return
  program.call('mount_setattr', [mount, '', AT_EMPTY_PATH, mountAttributes({ set: attributes }), 32])
}
