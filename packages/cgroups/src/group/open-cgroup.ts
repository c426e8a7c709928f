import { statSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import { detectHierarchy } from '../host/detect-hierarchy.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { Cgroup } from './cgroup.js'
import { checkGroupPaths, mainPath, pathIn, type GroupPaths } from './group-paths.js'

/** Settings of {@link openCgroup} and {@link listCgroups}. */
export interface OpenOptions {
  /** What {@link detectHierarchy} found. Without it every call detects anew. */
  readonly hierarchy?: Hierarchy | undefined
}

/**
 * Opens a group that is there, for instance after the program that made it ended. A group that exists in some
 * hierarchies only, as a crash in the middle of a creation or a removal leaves it, opens as well: what it
 * lacks is missing in `stats()`, and `remove()` takes the rest away.
 *
 * @param path - As for {@link createCgroup}.
 * @param options - The host's hierarchies.
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_NOT_FOUND`: no hierarchy has it.
 *   - `ERR_CGROUP_INVALID_ARG`: a bad path.
 */
export function openCgroup(path: string | GroupPaths, options: OpenOptions = {}): Cgroup {
  checkGroupPaths(path)
  const hierarchy = options.hierarchy ?? detectHierarchy()
  const folders = hierarchy.mounts
    .flatMap((mount) => {
      const at = pathIn(path, mount)
      return at === undefined ? [] : [{ mount, folder: mount.mountpoint + at }]
    })
    .filter(({ folder }) => statSync(folder, { throwIfNoEntry: false })?.isDirectory())
  const main = mainPath(path)
  if (folders.length > 0) return new Cgroup({ path: main, folders }, hierarchy)
  throw new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot open ${main}: no hierarchy has such a group`, {
    path: main,
  })
}
