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
import { newFileSystem } from '../../setup/rootfs.js'
import { attachAt, type Descriptor } from './attach.js'
import type { PlannedMount } from './plan.js'

/** The cgroup hierarchies of the host, as the container is to see them. */
export interface CgroupView {
  readonly hierarchies: readonly HierarchyMount[]
  /** The container has a cgroup namespace: hierarchies can be mounted anew, and begin at its own group. */
  readonly namespaced: boolean
  /** Folder of the container's group in a hierarchy, which is shown where there is no namespace. */
  readonly folderOf: (hierarchy: HierarchyMount) => string
}

/** Hierarchies, made but not attached yet: one of v2, or a folder with one for each controller of v1. */
export interface MadeCgroups {
  readonly top: Ref
  readonly below: readonly { readonly mount: Ref; readonly name: string; readonly links: readonly string[] }[]
}

const restricted = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC

/** Makes a mount of type `cgroup` (config-linux.md): what is there on the host, v1 or v2. */
export function makeCgroups(
  program: Program,
  { mount, options }: PlannedMount,
  { hierarchies, namespaced, folderOf }: CgroupView,
): MadeCgroups {
  program.step(`make the cgroup file systems for ${mount.destination}`)
  const attributes = options.attributesSet
  const one = (hierarchy: HierarchyMount): Ref => {
    if (namespaced)
      return newFileSystem(program, fsType(hierarchy), parametersOf(hierarchy), attributes, 'cgroup')
    const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE
    const tree = program.call('open_tree', [AT_FDCWD, folderOf(hierarchy), flags])
    program.call('mount_setattr', [tree, '', AT_EMPTY_PATH, mountAttributes({ set: attributes }), 32])
    return tree
  }
  const v1 = hierarchies.filter(({ version }) => version === 1)
  if (v1.length === 0) return { top: one(hierarchies[0]!), below: [] }
  const top = newFileSystem(program, 'tmpfs', [['mode', '755']], restricted)
  return {
    top,
    below: v1.map((hierarchy) => {
      const { controllers, name } = hierarchy
      const folder = name ?? controllers.join(',')
      return { mount: one(hierarchy), name: folder, links: controllers.length > 1 ? controllers : [] }
    }),
  }
}

/** Attaches them at their destination. */
export function attachCgroups(
  program: Program,
  root: Descriptor,
  { mount, options, place }: PlannedMount,
  { top, below }: MadeCgroups,
): void {
  program.step(`mount cgroups at ${mount.destination}`)
  attachAt(program, root, top, place, 'folder')
  for (const { mount: hierarchy, name, links } of below) {
    program.call('mkdirat', [top, name, 0o755])
    program.call('move_mount', [hierarchy, '', top, name, MOVE_MOUNT_F_EMPTY_PATH])
    for (const link of links) program.call('symlinkat', [name, top, link])
  }
  if (below.length === 0 || (options.attributesSet & MOUNT_ATTR_RDONLY) === 0) return
  program.call('mount_setattr', [top, '', AT_EMPTY_PATH, mountAttributes({ set: MOUNT_ATTR_RDONLY }), 32])
}

function fsType({ version }: HierarchyMount): string {
  return version === 2 ? 'cgroup2' : 'cgroup'
}

function parametersOf({
  version,
  controllers,
  name,
}: HierarchyMount): readonly (readonly [string] | readonly [string, string])[] {
  if (version === 2) return []
  return name === undefined
    ? controllers.map((controller) => [controller] as const)
    : [['none'], ['name', name]]
}
