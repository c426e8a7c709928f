import { posix } from 'node:path'
import { pathsBelowOwn, type GroupPaths, type Hierarchy } from '@ctr/cgroups'
import { invalidConfig } from '../config/invalid-config.js'

/** Where a container's cgroup shall be: what `createCgroup` takes. */
export type CgroupPath = string | GroupPaths

/** A scope for systemd to make: `PREFIX-NAME.scope` in a slice. */
export interface SystemdScope {
  /** As `system.slice`; empty for the default. */
  readonly slice: string
  readonly prefix: string
  readonly name: string
}

/**
 * Where a container's cgroup is on a host without systemd. A path from the cgroup root is taken as it is; another is
 * below the runtime's own cgroup (on v2 beside it), and so is `ID` when there is none.
 *
 * `..` cannot lead out: as in a path of the root folder it stays there.
 *
 * @param cgroupsPath - `linux.cgroupsPath`.
 * @param id - Of the container.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: the root cgroup itself.
 * @throws `CgroupError` `ERR_CGROUP_INVALID_ARG`: a name that no cgroup can have.
 */
export function cgroupPathOf(cgroupsPath: string | undefined, id: string, hierarchy: Hierarchy): CgroupPath {
  const given = cgroupsPath === undefined || cgroupsPath === '' ? id : cgroupsPath
  const path = posix.normalize(`/${given}`).replace(/\/+$/, '')
  if (path === '')
    throw invalidConfig(`cgroupsPath ${JSON.stringify(given)} is the root cgroup, which is not a container's`)
  return posix.isAbsolute(given) ? path : pathsBelowOwn(path.slice(1), hierarchy)
}

/**
 * Reads `cgroupsPath` as systemd's users write it: `slice:prefix:name`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: it has another form.
 */
export function systemdScopeOf(cgroupsPath: string | undefined, id: string): SystemdScope {
  if (cgroupsPath === undefined || cgroupsPath === '') return { slice: '', prefix: 'ctr', name: id }
  const parts = cgroupsPath.split(':')
  const [slice, prefix, name] = parts
  if (parts.length !== 3 || slice === undefined || prefix === undefined || !name)
    throw invalidConfig(
      `cgroupsPath must be of the form slice:prefix:name for systemd, as system.slice:ctr:box, got ${JSON.stringify(cgroupsPath.slice(0, 200))}`,
    )
  return { slice, prefix, name }
}
