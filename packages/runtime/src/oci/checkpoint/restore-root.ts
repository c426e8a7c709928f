import { statSync } from 'node:fs'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  MS_SLAVE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import { place } from '../../setup/place.js'
import { newFileSystem } from '../../setup/rootfs.js'
import type { ConfigMount } from '../config/config.js'
import { bindSource, isBind } from './external-mounts.js'

interface PlannedMount {
  readonly destination: string
  /** Of a bind; others are file systems of the container's own, which CRIU makes. */
  readonly source?: string
  readonly kind: 'folder' | 'file'
}

/**
 * Plans the root that CRIU restores a container on: it has to be a mount point, and has to have a folder or file
 * for each mount of the container, as it had when the container was made.
 *
 * @param folder - An empty folder, where the root is mounted in a mount namespace of CRIU's own. Nobody else sees
 *   it, and it goes when CRIU has ended.
 * @returns What adds it to a program that has a mount namespace of its own.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CHECKPOINT`: the source of a bind is gone.
 */
export function restoreRoot(
  rootfs: string,
  folder: string,
  mounts: readonly ConfigMount[],
  bundle: string,
): (program: Program) => void {
  const planned = mounts.map((mount) => plan(mount, bundle))
  return (program) => {
    // from here on what the host mounts comes in, which restored mounts may ask for, and nothing gets out
    program.step('keep mounts from the host').call('mount', [null, '/', null, MS_REC + MS_SLAVE, null])
    program.step(`mount the root file system ${rootfs}`)
    const draft = copyOf(program, rootfs)
    program.call('mount_setattr', [draft, '', wholeTree, mountAttributes({ propagation: MS_PRIVATE }), 32])
    program.call('move_mount', [draft, '', AT_FDCWD, folder, MOVE_MOUNT_F_EMPTY_PATH])
    const copies = planned.map((mount) => open(program, mount))
    planned.forEach(({ destination, kind }, index) => {
      program.step(`make ${destination} for a mount`)
      place(program, draft, copies[index]!, destination, kind)
    })
    program.step('let go of what was mounted').call('umount2', [folder, MNT_DETACH])
    program.step(`mount the root file system ${rootfs} for CRIU`)
    const root = copyOf(program, rootfs)
    program.call('move_mount', [root, '', AT_FDCWD, folder, MOVE_MOUNT_F_EMPTY_PATH])
  }
}

const wholeTree = AT_EMPTY_PATH + AT_RECURSIVE

function plan(mount: ConfigMount, bundle: string): PlannedMount {
  const { destination } = mount
  if (!isBind(mount)) return { destination, kind: 'folder' }
  const source = bindSource(mount, bundle)
  const stats = statSync(source, { throwIfNoEntry: false })
  if (stats === undefined) {
    throw new RuntimeError(
      'ERR_RUNTIME_CHECKPOINT',
      `cannot restore the mount at ${destination}: its source ${source} does not exist`,
    )
  }
  return { destination, source, kind: stats.isDirectory() ? 'folder' : 'file' }
}

function open(program: Program, { destination, source }: PlannedMount): Ref {
  if (source !== undefined) return copyOf(program.step(`open the source of ${destination}`), source)
  // something empty to make folders in for mounts below it, instead of in the root file system
  return newFileSystem(program.step(`stand in for ${destination}`), 'tmpfs', [], 0)
}

function copyOf(program: Program, path: string): Ref {
  return program.call('open_tree', [AT_FDCWD, path, OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE])
}
