import {
  AT_FDCWD,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_MOVE,
  MS_PRIVATE,
  MS_REC,
  mountAttributes,
  AT_EMPTY_PATH,
  MOUNT_ATTR_RDONLY,
  type Program,
} from '@ctr/linux'
import { propagationFlags } from './sources.js'
import type { ConfigPropagation } from '../config/config.js'

/**
 * Attaches the root file system at its own place on the host, seen by nobody but the child, so that hooks that
 * run before the root is changed find the container's mounts there.
 */
export function attachRoot(program: Program, root: number, rootfs: string): void {
  program.step('make all mounts private').call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
  program.step('mount the root file system')
  program.call('move_mount', [root, '', AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH])
}

/** Makes it the root of the child; nothing of the host's mounts is left. */
export function changeRoot(program: Program, root: number): void {
  program.step('change the root')
  program.call('fchdir', [root])
  program.call('pivot_root', ['.', '.'])
  // the old root lies on top of the new one now
  program.call('umount2', ['.', MNT_DETACH])
  program.call('chdir', ['/'])
}

/**
 * Makes it the root without pivot_root(2), which refuses a root file system of the kind that an initramfs is. The
 * host's mounts stay below it, out of reach of a process that cannot change its root.
 */
export function moveRoot(program: Program, root: number, rootfs: string): void {
  program.step('move the root')
  program.call('fchdir', [root])
  program.call('mount', [rootfs, '/', null, MS_MOVE, null])
  program.call('chroot', ['.'])
  program.call('chdir', ['/'])
}

/** What is done to the root when everything is in it. */
export function finishRoot(
  program: Program,
  root: number,
  {
    readonly,
    propagation,
  }: { readonly readonly: boolean; readonly propagation: ConfigPropagation | undefined },
): void {
  if (readonly) {
    program.step('make the root read-only')
    program.call('mount_setattr', [root, '', AT_EMPTY_PATH, mountAttributes({ set: MOUNT_ATTR_RDONLY }), 32])
  }
  if (propagation === undefined || propagation.endsWith('private')) return
  program.step(`make the root ${propagation}`)
  program.call('mount', [null, '/', null, propagationFlags(propagation), null])
}
