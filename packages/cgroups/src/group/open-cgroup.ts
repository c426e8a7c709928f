import { statSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import { detectHierarchy } from '../host/detect-hierarchy.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { Cgroup } from './cgroup.js'
import { checkGroupPath } from './check-group-path.js'

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
export function openCgroup(path: string, options: OpenOptions = {}): Cgroup {
  checkGroupPath(path)
  const hierarchy = options.hierarchy ?? detectHierarchy()
  const folders = hierarchy.mounts
    .map((mount) => ({ mount, folder: mount.mountpoint + path }))
    .filter(({ folder }) => statSync(folder, { throwIfNoEntry: false })?.isDirectory())
  if (folders.length > 0) return new Cgroup({ path, folders }, hierarchy)
  throw new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot open ${path}: no hierarchy has such a group`, {
    path,
  })
}
