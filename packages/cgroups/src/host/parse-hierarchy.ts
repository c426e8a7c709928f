import type { Hierarchy, HierarchyMount } from './hierarchy.js'
import { parseMountinfo, type CgroupMount } from './parse-mountinfo.js'
import { parseSelfCgroup, type Membership } from './parse-self-cgroup.js'

/** The kernel's texts that {@link parseHierarchy} reads. */
export interface HierarchyTexts {
  /** `/proc/self/mountinfo`, read as latin1. */
  readonly mountinfo: string
  /** `/proc/self/cgroup`, read as UTF-8. */
  readonly selfCgroup: string
  /** Gives `cgroup.controllers` of the unified hierarchy's topmost group, given where it is mounted. */
  readonly unifiedControllers: (mountpoint: string) => string
}

/**
 * Works out a host's hierarchies from the kernel's texts. Pure: `detectHierarchy` reads the texts.
 *
 * A hierarchy mounted several times counts once: the mount that shows most of it, then the first.
 *
 * @param texts - The texts.
 * @returns The hierarchies; `undefined` when none is mounted.
 */
export function parseHierarchy(texts: HierarchyTexts): Hierarchy | undefined {
  const mounted = parseMountinfo(texts.mountinfo)
  const mounts: HierarchyMount[] = []
  let unified: HierarchyMount | undefined
  for (const membership of parseSelfCgroup(texts.selfCgroup)) {
    const mount = mountOf(membership, mounted)
    if (!mount) continue
    const place = { mountpoint: mount.mountpoint, ownPath: below(mount.root, membership.path) }
    if (membership.version === 1) {
      const name = membership.controllers.find((controller) => controller.startsWith('name='))?.slice(5)
      const controllers = membership.controllers.filter((controller) => !controller.startsWith('name='))
      mounts.push({ version: 1, controllers, name, ...place })
    } else {
      const controllers = texts.unifiedControllers(mount.mountpoint).split(/\s+/).filter(Boolean)
      unified = { version: 2, controllers, name: undefined, ...place }
    }
  }
  const mode = unified === undefined ? 'v1' : mounts.length === 0 ? 'v2' : 'hybrid'
  if (unified) mounts.push(unified)
  if (mounts.length === 0) return undefined
  const controllers = new Map(
    mounts.flatMap((mount) => mount.controllers.map((name) => [name, mount] as const)),
  )
  return { mode, mounts, controllers }
}

function mountOf(
  { version, controllers }: Membership,
  mounted: readonly CgroupMount[],
): CgroupMount | undefined {
  return mounted
    .filter((mount) => mount.version === version && controllers.every((name) => mount.options.includes(name)))
    .sort((a, b) => a.root.length - b.root.length)[0] // sort() is stable: the first of equals stays first
}

function below(root: string, path: string): string | undefined {
  if (root === '/' || root === path) return root === path ? '/' : path
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined
}
