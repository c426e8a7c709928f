import {
  AT_FDCWD,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_MOVE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  mountAttributes,
  AT_EMPTY_PATH,
  MOUNT_ATTR_RDONLY,
  type Program,
} from '@ctr/linux'
import type { ConfigPropagation } from '../config/config.js'
import type { Descriptor } from './attach.js'
import { within } from './root-view.js'

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
export function changeRoot(program: Program, root: Descriptor): void {
  program.step('change the root')
  program.call('fchdir', [root])
  program.call('pivot_root', ['.', '.'])
  // the old root lies on top of the new one now
  program.call('umount2', ['.', MNT_DETACH])
  program.call('chdir', ['/'])
}

/**
 * Makes it the root without pivot_root(2), which refuses a root file system of the kind that an initramfs is. The
 * host's mounts stay below it, out of reach of a process that cannot change its root; but a process with a user
 * namespace of its own could have a whole new `proc` or `sysfs` where one is still there, so none is left.
 */
export function moveRoot(program: Program, root: Descriptor, wholeMounts: readonly string[]): void {
  program.step("take away the host's proc and sysfs")
  for (const path of wholeMounts) {
    // what another user namespace has locked cannot be taken away, but covered
    program.call('umount2', [path, MNT_DETACH], { tolerate: ['EINVAL', 'ENOENT', 'EPERM', 'EACCES'] })
    program.call('mount', ['tmpfs', path, 'tmpfs', MS_RDONLY, 'nr_blocks=1,nr_inodes=1'], {
      tolerate: ['ENOENT', 'ENOTDIR', 'EACCES'],
    })
  }
  program.step('move the root')
  program.call('fchdir', [root])
  program.call('mount', ['.', '/', null, MS_MOVE, null])
  program.call('chroot', ['.'])
  program.call('chdir', ['/'])
}

/** Mount points of the host's `proc` and `sysfs`, those on top first. */
export function wholeMountsOf(mountinfo: string, rootfs: string): readonly string[] {
  return mountinfo
    .split('\n')
    .filter((line) => / - (proc|sysfs) /.test(line))
    .map((line) =>
      line.split(' ')[4]!.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
    )
    .filter((path) => !within(path, rootfs))
    .reverse()
}

/** What is done to the root when everything is in it. */
export function finishRoot(
  program: Program,
  root: Descriptor,
  {
    readonly,
    propagation,
  }: { readonly readonly: boolean; readonly propagation: ConfigPropagation | undefined },
): void {
  if (readonly) {
    program.step('make the root read-only')
    program.call('mount_setattr', [root, '', AT_EMPTY_PATH, mountAttributes({ set: MOUNT_ATTR_RDONLY }), 32])
  }
  if (propagation === undefined) return
  program.step(`make the root ${propagation}`)
  program.call('mount', [null, '/', null, propagationFlags(propagation), null])
}

/** `MS_*` of a propagation by its name. */
function propagationFlags(propagation: ConfigPropagation): number {
  const recursive = propagation.startsWith('r')
  const kinds = {
    shared: MS_SHARED,
    slave: MS_SLAVE,
    private: MS_PRIVATE,
    unbindable: MS_UNBINDABLE,
  } as const
  return (
    kinds[(recursive ? propagation.slice(1) : propagation) as keyof typeof kinds] + (recursive ? MS_REC : 0)
  )
}
