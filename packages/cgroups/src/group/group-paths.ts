import { posix } from 'node:path'
import { CgroupError } from '../errors.js'
import type { Hierarchy, HierarchyMount } from '../host/hierarchy.js'
import { checkGroupPath } from './check-group-path.js'

/**
 * Where a group is that is not at the same place of every hierarchy: its path in each, by the hierarchy's name. That
 * is its controllers, joined with commas (`memory`, `cpu,cpuacct`), `name=systemd` of a named one, and `unified`.
 * Hierarchies that are left out have no such group. Plain data: what a program saves to find the group again.
 */
export type GroupPaths = Readonly<Record<string, string>>

/** Name of a hierarchy in {@link GroupPaths}. */
export function hierarchyName({ version, controllers, name }: HierarchyMount): string {
  if (version === 2) return 'unified'
  return name === undefined ? controllers.join(',') : [...controllers, `name=${name}`].join(',')
}

/**
 * Says where a group is that belongs to the caller's own, as OCI runtimes read a relative `cgroupsPath`: below it, and
 * on v2, where a group with processes cannot hand controllers to groups below, beside it.
 *
 * @param name - The path below, without a slash in front: `pod/ID`.
 * @param hierarchy - What `detectHierarchy` found.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: a path that leads elsewhere; `ERR_CGROUP_UNSUPPORTED`: no
 *   mount shows the caller's group.
 */
export function pathsBelowOwn(name: string, hierarchy: Hierarchy): GroupPaths {
  const paths: Record<string, string> = {}
  for (const mount of hierarchy.mounts) {
    if (mount.ownPath === undefined) continue
    const base = hierarchy.mode === 'v2' ? posix.dirname(mount.ownPath) : mount.ownPath
    const path = base === '/' ? `/${name}` : `${base}/${name}`
    checkGroupPath(path)
    paths[hierarchyName(mount)] = path
  }
  if (Object.keys(paths).length > 0) return paths
  throw new CgroupError(
    'ERR_CGROUP_UNSUPPORTED',
    `cannot find a place for ${name}: no cgroup mount shows the group of this process, give an absolute path`,
  )
}

/** Throws unless every path is that of a group. */
export function checkGroupPaths(path: string | GroupPaths): void {
  if (typeof path === 'string') {
    checkGroupPath(path)
    return
  }
  const all = Object.values(path)
  for (const one of all) checkGroupPath(one)
  if (all.length === 0)
    throw new CgroupError('ERR_CGROUP_INVALID_ARG', 'cannot use no paths at all: a hierarchy needs one')
}

/** The group's path in one hierarchy, `undefined` when it shall not be there. */
export function pathIn(path: string | GroupPaths, mount: HierarchyMount): string | undefined {
  if (typeof path === 'string') return path
  const name = hierarchyName(mount)
  return Object.hasOwn(path, name) ? path[name] : undefined
}

/** The path that stands for all. */
export function mainPath(path: string | GroupPaths): string {
  return typeof path === 'string' ? path : Object.values(path)[0]!
}
