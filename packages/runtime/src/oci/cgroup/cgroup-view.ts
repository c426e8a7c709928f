import { hierarchyName, type Cgroup, type Hierarchy } from '@ctr/cgroups'
import type { ConfigLinux } from '../config/config.js'
import { hasOwn, makesNew } from '../namespaces.js'
import type { CgroupView } from '../setup/cgroup-mount.js'

/**
 * Says how a container sees the host's cgroups: with a cgroup namespace from its own group on.
 *
 * A mount of its own of a hierarchy is a file system of its own to the kernel, which costs time and memory. Where the
 * container's group is the root of its new namespace, a bind of that group shows the same. In a user namespace only a
 * mount of its own belongs to it, and a namespace that it joins may begin elsewhere.
 *
 * @param cgroup - The container's group; undefined where it has none, and is where we are.
 */
export function cgroupViewOf(
  { mounts }: Hierarchy,
  linux: ConfigLinux | undefined,
  cgroup: Pick<Cgroup, 'paths'> | undefined,
): CgroupView {
  const namespaced = hasOwn(linux, 'cgroup')
  const beginsAtItsGroup = makesNew(linux, 'cgroup') && !hasOwn(linux, 'user')
  return {
    hierarchies: mounts,
    folderOf: (mount) => {
      const own = cgroup?.paths[hierarchyName(mount)]
      const binds = own === undefined ? !namespaced : !namespaced || (beginsAtItsGroup && mount.version === 1)
      return binds ? mount.mountpoint + (own ?? mount.ownPath ?? '') : undefined
    },
  }
}
