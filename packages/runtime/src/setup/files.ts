import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  Struct,
  type Program,
  type Ref,
} from '@ctr/linux'
import { place } from './place.js'
import { newFileSystem } from './rootfs.js'
import { whileAttached } from './shelf.js'

/** A file that the runtime writes for the container, beside what its image has. */
export interface RuntimeFile {
  /** Absolute path in the container. */
  readonly path: string
  readonly content: string
}

/**
 * Writes files on a small file system in memory that belongs to the container alone, and mounts each where it
 * is wanted: nothing is written to disk, the image stays as it is, and they do not show as changes.
 *
 * @param shelf - See {@link whileAttached}.
 */
export function writeFiles(
  program: Program,
  root: Ref,
  files: readonly RuntimeFile[],
  shelf: Ref | undefined,
): void {
  if (files.length === 0) return
  program.step('write files for the container')
  const parameters = [
    ['mode', '755'],
    ['size', '4m'],
  ] as const
  const memory = newFileSystem(
    program,
    'tmpfs',
    parameters,
    MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC,
  )
  const writeOne = ({ path, content }: RuntimeFile, index: number): void => {
    const name = `${index}`
    const bytes = Buffer.from(content)
    const file = program.call('openat', [memory, name, O_WRONLY + O_CREAT + O_EXCL + O_CLOEXEC, 0o644])
    program.call('write', [file, new Struct(bytes, `[${bytes.length} bytes of ${path}]`), bytes.length])
    program.call('close', [file])
    place(
      program,
      root,
      program.call('open_tree', [memory, name, OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC]),
      path,
      'file',
    )
  }
  whileAttached(program, memory, shelf, () => files.forEach(writeOne))
}
