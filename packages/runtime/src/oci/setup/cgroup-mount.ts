import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { HierarchyMount } from '@ctr/cgroups'
import { newFileSystem } from '../../setup/rootfs.js'
import { ALL_ACCESS_TIMES } from '../config/access-time.js'
import { attachAt, type Descriptor } from './attach.js'
import type { PlannedMount } from './plan.js'

/** The cgroup hierarchies of the host, as the container is to see them. */
export interface CgroupView {
  readonly hierarchies: readonly HierarchyMount[]
  /**
   * Folder of the host that the container sees of a hierarchy; undefined where it mounts that anew, which begins at the
   * root of its cgroup namespace.
   */
  readonly folderOf: (hierarchy: HierarchyMount) => string | undefined
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
  { mount }: PlannedMount,
  { hierarchies, folderOf }: CgroupView,
): MadeCgroups {
  program.step(`make the cgroup file systems for ${mount.destination}`)
  const one = (hierarchy: HierarchyMount): Ref => {
    const folder = folderOf(hierarchy)
    return folder === undefined
      ? newFileSystem(program, fsType(hierarchy), parametersOf(hierarchy), 0, 'cgroup')
      : program.call('open_tree', [AT_FDCWD, folder, OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC])
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
  const { attributesSet: set, attributesClear } = options
  if (set === 0) return
  const change = mountAttributes({ set, clear: attributesClear & ALL_ACCESS_TIMES })
  program.call('mount_setattr', [top, '', AT_EMPTY_PATH + AT_RECURSIVE, change, 32])
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
