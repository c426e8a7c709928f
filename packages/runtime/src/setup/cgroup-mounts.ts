import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { HierarchyMount } from '@ctr/cgroups'
import { makeReadOnly, place } from './place.js'
import { newFileSystem } from './rootfs.js'

const restricted = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC

/**
 * Shows the container its own cgroups at `/sys/fs/cgroup`, read-only: one hierarchy on v2, a folder for each
 * on v1. The child is in its cgroup namespace by then, so what it sees begins at its own group.
 */
export function mountCgroups(program: Program, root: Ref, hierarchies: readonly HierarchyMount[]): void {
  program.step('mount cgroups at /sys/fs/cgroup')
  const v1 = hierarchies.filter(({ version }) => version === 1)
  if (v1.length === 0) {
    place(
      program,
      root,
      newFileSystem(program, 'cgroup2', [], restricted + MOUNT_ATTR_RDONLY),
      '/sys/fs/cgroup',
      'folder',
    )
    return
  }
  const top = newFileSystem(program, 'tmpfs', [['mode', '755']], restricted)
  place(program, root, top, '/sys/fs/cgroup', 'folder')
  for (const { controllers, name } of v1) {
    const folder = name ?? controllers.join(',')
    const mount = newFileSystem(
      program,
      'cgroup',
      name === undefined
        ? controllers.map((controller) => [controller] as const)
        : [['none'], ['name', name]],
      restricted + MOUNT_ATTR_RDONLY,
    )
    program.call('mkdirat', [top, folder, 0o755])
    program.call('move_mount', [mount, '', top, folder, MOVE_MOUNT_F_EMPTY_PATH])
  }
  makeReadOnly(program, top)
}
