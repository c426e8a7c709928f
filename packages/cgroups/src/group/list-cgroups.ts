import { detectHierarchy } from '../host/detect-hierarchy.js'
import { subfolders } from '../kernel/subfolders.js'
import { checkGroupPath } from './check-group-path.js'
import type { OpenOptions } from './open-cgroup.js'

/**
 * Lists the groups right below a group, in any hierarchy: also those that a crash left in some only.
 *
 * @param parent - Path of the group above, or `/` for the top. One that does not exist has no groups.
 * @param options - The host's hierarchies.
 * @returns Whole paths, sorted, each once: what {@link openCgroup} takes.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG` for a bad path, `ERR_CGROUP_PERMISSION` when a folder cannot be read.
 *
 * @example Remove what an earlier run left
 * for (const path of listCgroups('/demo')) await openCgroup(path).remove()
 */
export function listCgroups(parent: string, options: OpenOptions = {}): string[] {
  if (parent !== '/') checkGroupPath(parent)
  const { mounts } = options.hierarchy ?? detectHierarchy()
  const prefix = parent === '/' ? '/' : `${parent}/`
  return [...new Set(mounts.flatMap(({ mountpoint }) => subfolders(mountpoint + parent)))]
    .sort()
    .map((name) => prefix + name)
}
