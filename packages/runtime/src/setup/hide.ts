import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'
import { makeReadOnly } from './place.js'
import { newFileSystem } from './rootfs.js'

/** File systems of the container whose parts are hidden, by the path that they are mounted at. */
export type Mounted = Readonly<Record<string, Ref>>

/** A path to hide, and what is there. */
export interface MaskedPath {
  readonly path: string
  readonly kind: 'folder' | 'file'
}

/**
 * Hides files behind `/dev/null` and folders behind an empty read-only one. Paths are resolved below the
 * mounts that were just made, so nothing in the image can redirect them.
 *
 * @param dev - The new `/dev`, for its `null`.
 */
export function maskPaths(program: Program, paths: readonly MaskedPath[], mounted: Mounted, dev: Ref): void {
  if (paths.length === 0) return
  program.step('hide paths')
  const empty = newFileSystem(
    program,
    'tmpfs',
    [
      ['size', '0'],
      ['nr_inodes', '2'],
    ],
    MOUNT_ATTR_RDONLY,
  )
  // itself for the first folder, copies for others: kernels before 6.15 copy only what is attached, and closing a mount
  // that is attached nowhere costs much
  let used = false
  for (const { path, kind } of paths) {
    const [folder, name] = below(mounted, path)
    if (folder === undefined) continue
    const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC
    const cover =
      kind === 'file'
        ? program.call('open_tree', [dev, 'null', flags])
        : used
          ? program.call('open_tree', [empty, '', flags + AT_EMPTY_PATH])
          : empty
    used ||= kind === 'folder'
    // an entry of a network namespace or of a module may be gone again
    program.call('move_mount', [cover, '', folder, name, MOVE_MOUNT_F_EMPTY_PATH], { tolerate: ['ENOENT'] })
  }
}

/** Makes paths read-only, with everything below them. */
export function readOnlyPaths(program: Program, paths: readonly string[], mounted: Mounted): void {
  if (paths.length === 0) return
  program.step('make paths read-only')
  for (const path of paths) {
    const [folder, name] = below(mounted, path)
    if (folder === undefined) continue
    const copy = program.call('open_tree', [folder, name, OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE])
    makeReadOnly(program, copy, true)
    program.call('move_mount', [copy, '', folder, name, MOVE_MOUNT_F_EMPTY_PATH])
  }
}

function below(mounted: Mounted, path: string): [Ref | undefined, string] {
  const point = Object.keys(mounted).find((candidate) => path.startsWith(`${candidate}/`))
  return point === undefined ? [undefined, path] : [mounted[point], path.slice(point.length + 1)]
}
