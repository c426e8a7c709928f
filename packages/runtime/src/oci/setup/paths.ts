import { constants, fstatSync, readdirSync } from 'node:fs'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  Fd,
  makedev,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW_SIZE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  syscall,
  syscallOr,
  type Program,
  type Ref,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import { newFileSystem } from '../../setup/rootfs.js'
import type { Descriptor } from './attach.js'
import type { MaskedPath } from './plan.js'

const resolve = RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS
const anything = openHow({ flags: O_PATH + O_CLOEXEC, resolve })

/**
 * A path to hide, with what it is hidden behind: a folder, a file, both where it is not known what is there, and
 * neither where nothing is.
 */
export interface Mask {
  readonly path: string
  /** `copy`: of the folder that the first one has. */
  readonly folder: Ref | 'copy' | undefined
  readonly file: Ref | undefined
}

/**
 * Makes what paths are hidden behind: for folders one empty one that nothing can be written to, for a file the host's
 * own `/dev/null`. It is not the container's, which its image or another container might have replaced
 * (CVE-2025-31133).
 */
export function makeMasks(program: Program, paths: readonly MaskedPath[]): Mask[] {
  if (paths.length > 0) program.step('make what hides paths')
  const nul = (): Ref =>
    program.call('open_tree', [AT_FDCWD, '/dev/null', OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC])
  const empty = (): Ref => newFileSystem(program, 'tmpfs', emptyFolder, MOUNT_ATTR_RDONLY)
  // a copy can be made of what is mounted: a folder that is there comes first
  const folders = paths.filter(({ kind }) => kind === 'folder')
  const others = paths.filter(({ kind }) => kind !== 'folder')
  const shared = folders.length > 0
  return [
    ...folders.map(({ path }, index) => ({
      path,
      folder: index === 0 ? empty() : ('copy' as const),
      file: undefined,
    })),
    ...others.map(({ path, kind }) => ({
      path,
      folder: kind !== undefined ? undefined : shared ? ('copy' as const) : empty(),
      file: kind === 'missing' ? undefined : nul(),
    })),
  ]
}

const emptyFolder = [
  ['nr_blocks', '1'],
  ['nr_inodes', '1'],
] as const

/**
 * Hides paths (`linux.maskedPaths`). What is not there is left out. A program cannot branch: where it is not known
 * what is there both covers are tried, and the kernel refuses a folder on a file and a file on a folder (`EINVAL`);
 * see {@link checkMasked}.
 */
export function maskPaths(program: Program, root: Descriptor, masks: readonly Mask[]): void {
  const [first] = masks
  for (const { path, folder, file } of masks) {
    program.step(`hide ${path}`)
    if (folder === undefined && file === undefined) {
      // a cover that is not used costs more than all the rest: closing a detached mount waits for all processors
      const step = `hide ${path}, which was not there before`
      program.call('openat2', [root, path, anything, OPEN_HOW_SIZE], {
        tolerate: absent,
        minimum: NEVER,
        step,
      })
      continue
    }
    const at = program.call('openat2', [root, path, anything, OPEN_HOW_SIZE], { tolerate: absent })
    const covers = [folder === 'copy' ? copyOf(program, first!.folder as Ref) : folder, file]
    const unknown = folder !== undefined && file !== undefined
    for (const cover of covers) {
      if (cover === undefined) continue
      program.call('move_mount', [cover, '', at, '', MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH], {
        tolerate: unknown ? ['EBADF', 'EINVAL', 'ENOTDIR'] : ['EBADF'],
      })
      if (cover !== first!.folder) program.call('close', [cover])
    }
    program.call('close', [at], { tolerate: ['EBADF'] })
  }
  if (first?.folder !== undefined) program.call('close', [first.folder])
}

/** No call has a result like that: it is to fail. */
const NEVER = 2 ** 31

function copyOf(program: Program, mount: Ref): Ref {
  return program.call('open_tree', [mount, '', OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_EMPTY_PATH])
}

/**
 * Finds out whether paths that both covers were tried for are hidden.
 *
 * @param pid - The process, in its root.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: one is not.
 */
export function checkMasked(pid: number, paths: readonly MaskedPath[]): void {
  const unknown = paths.filter(({ kind }) => kind === undefined)
  if (unknown.length === 0) return
  using root = new Fd(syscall('openat', AT_FDCWD, `/proc/${pid}/root`, O_PATH + O_DIRECTORY + O_CLOEXEC))
  for (const { path } of unknown) {
    const opened = syscallOr([...absent], 'openat2', root.number, path, anything, OPEN_HOW_SIZE)
    if (typeof opened === 'string') continue
    using at = new Fd(opened)
    const { mode, rdev } = fstatSync(at.number)
    const nul = (mode & constants.S_IFMT) === constants.S_IFCHR && rdev === makedev(1, 3)
    if (nul || readdirOr(at.number) === 0) continue
    throw new RuntimeError('ERR_RUNTIME_START', `cannot hide ${path}: the kernel refused to mount over it`)
  }
}

/** Number of entries of a folder; undefined for what is none. */
function readdirOr(fd: number): number | undefined {
  try {
    return readdirSync(`/proc/self/fd/${fd}`).length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Makes paths read-only, with everything below them (`linux.readonlyPaths`). What is not there is left out. */
export function readOnlyPaths(program: Program, root: Descriptor, paths: readonly string[]): void {
  for (const path of paths) {
    program.step(`make ${path} read-only`)
    const at = program.call('openat2', [root, path, anything, OPEN_HOW_SIZE], { tolerate: absent })
    const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE + AT_EMPTY_PATH
    const copy = program.call('open_tree', [at, '', flags], { tolerate: ['EBADF'] })
    const tolerate = ['EBADF']
    const readOnly = mountAttributes({ set: MOUNT_ATTR_RDONLY })
    program.call('mount_setattr', [copy, '', AT_EMPTY_PATH + AT_RECURSIVE, readOnly, 32], { tolerate })
    const onto = MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH
    program.call('move_mount', [copy, '', at, '', onto], { tolerate })
    for (const fd of [copy, at]) program.call('close', [fd], { tolerate })
  }
}

const absent = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'] as const
