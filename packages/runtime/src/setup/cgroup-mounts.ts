import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { HierarchyMount } from '@ctr/cgroups'
import { place } from './place.js'
import { newFileSystem } from './rootfs.js'

const restricted = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC

/** The container's group in a hierarchy of v1. */
export interface CgroupFolder {
  readonly hierarchy: HierarchyMount
  /** Its folder on the host. */
  readonly folder: string
}

/** A hierarchy of v1, detached. */
export interface OpenedCgroup {
  readonly name: string
  readonly mount: Ref
}

/**
 * Opens the container's own groups of v1, while the host's mounts are still there. They are the roots of its cgroup
 * namespace, so that it sees the same as if it mounted the hierarchies itself, each of which would be a file system
 * of its own to the kernel.
 */
export function openCgroups(program: Program, groups: readonly CgroupFolder[]): OpenedCgroup[] {
  program.step("open the container's cgroups")
  return groups.map(({ hierarchy: { name, controllers }, folder }) => ({
    name: name ?? controllers.join(','),
    mount: program.call('open_tree', [AT_FDCWD, folder, OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC]),
  }))
}

/**
 * Shows the container its own cgroups at `/sys/fs/cgroup`, read-only unless `writable`: one hierarchy on v2, where it begins at the
 * root of the cgroup namespace that the child is in by then, a folder for each on v1.
 *
 * @param groups - Those of v1; none on v2.
 */
export function mountCgroups(
  program: Program,
  root: Ref,
  groups: readonly OpenedCgroup[],
  writable: boolean,
): void {
  const access = restricted + (writable ? 0 : MOUNT_ATTR_RDONLY)
  program.step('mount cgroups at /sys/fs/cgroup')
  if (groups.length === 0) {
    const unified = newFileSystem(program, 'cgroup2', [], access)
    place(program, root, unified, '/sys/fs/cgroup', 'folder')
    return
  }
  const top = newFileSystem(program, 'tmpfs', [['mode', '755']], restricted)
  place(program, root, top, '/sys/fs/cgroup', 'folder')
  for (const { name, mount } of groups) {
    program.call('mkdirat', [top, name, 0o755])
    program.call('move_mount', [mount, '', top, name, MOVE_MOUNT_F_EMPTY_PATH])
  }
  const attributes = mountAttributes({ set: access })
  program.call('mount_setattr', [top, '', AT_EMPTY_PATH + AT_RECURSIVE, attributes, 32])
}
