import { posix } from 'node:path'
import {
  createCgroup,
  hierarchyName,
  isCgroupError,
  openCgroup,
  type Cgroup,
  type Hierarchy,
  type HierarchyMount,
  type Resources,
} from '@ctr/cgroups'
import { RuntimeError } from '../../errors.js'
import type { CgroupPath } from './cgroup-path.js'

/** What a container's cgroup is made of. */
export interface CgroupToCreate {
  readonly path: CgroupPath
  readonly resources: Resources
  readonly hierarchy: Hierarchy
  /** Also join the unified hierarchy of a hybrid host, which gives `cgroup.kill` and costs milliseconds. */
  readonly unified?: boolean | undefined
}

/**
 * Makes a container's cgroup, or takes the one that an engine has made for it.
 *
 * @throws {@link RuntimeError}
 *   - `ERR_RUNTIME_START`: the cgroup has processes or is frozen, or may not be written to.
 *   - `ERR_RUNTIME_LIMIT`: a limit that the kernel does not take; the message has file, value and errno.
 *   - `ERR_RUNTIME_CONFIG`: a limit that cannot be.
 */
export function createContainerCgroup({ path, resources, hierarchy, unified }: CgroupToCreate): Cgroup {
  try {
    return createCgroup(path, resources, { hierarchy, existing: 'use', smallestMemory: 0, unified })
  } catch (error) {
    throw explained('make the cgroup', error)
  }
}

/** Changes limits of a container's cgroup; errors as of {@link createContainerCgroup}. */
export function updateContainerCgroup(cgroup: Cgroup, resources: Resources): void {
  try {
    cgroup.update(resources)
  } catch (error) {
    throw explained('change the limits', error)
  }
}

/**
 * The cgroup that a process executed in a container joins: the container's, or groups below it.
 *
 * @param wanted - Of `exec --cgroup`: one `PATH` for all hierarchies, or `CONTROLLER[,CONTROLLER]:PATH`, several times.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a path that leads out, an unknown controller, no such group.
 */
export function execCgroup(cgroup: Cgroup, wanted: readonly string[]): Cgroup {
  const paths = new Map<string, string>()
  for (const one of wanted) {
    const colon = one.indexOf(':')
    if (colon < 0) {
      if (wanted.length > 1)
        throw invalidCgroup(`${show(one)} has no CONTROLLER: in front, which several of them need`)
      return subgroup(cgroup, one)
    }
    for (const controller of one.slice(0, colon).split(',')) {
      if (paths.has(controller)) throw invalidCgroup(`controller ${show(controller)} is given twice`)
      paths.set(controller, one.slice(colon + 1))
    }
  }
  return paths.size === 0 ? cgroup : subgroup(cgroup, Object.fromEntries(paths))
}

/** The folders of a cgroup as a state file has them: by controller, `name=` or, on v2, the empty name. */
export function savedPathsOf(cgroup: Cgroup): Record<string, string> {
  const saved: Record<string, string> = {}
  for (const mount of cgroup.hierarchy.mounts) {
    const path = cgroup.paths[hierarchyName(mount)]
    if (path === undefined) continue
    const names =
      mount.version === 2
        ? ['']
        : [...mount.controllers, ...(mount.name === undefined ? [] : [`name=${mount.name}`])]
    for (const name of names) saved[name] = mount.mountpoint + path
  }
  return saved
}

/**
 * Opens the cgroup of a state file.
 *
 * @returns Undefined when it is gone, or when the container was made without one.
 */
export function openSavedCgroup(
  saved: Readonly<Record<string, string>>,
  hierarchy: Hierarchy,
): Cgroup | undefined {
  const paths: Record<string, string> = {}
  for (const mount of hierarchy.mounts) {
    const name = mount.version === 2 ? '' : (mount.controllers[0] ?? `name=${mount.name ?? ''}`)
    const folder = saved[name]
    if (folder?.startsWith(`${mount.mountpoint}/`))
      paths[hierarchyName(mount)] = folder.slice(mount.mountpoint.length)
  }
  if (Object.keys(paths).length === 0) return undefined
  try {
    return openCgroup(paths, { hierarchy })
  } catch (error) {
    if (isCgroupError(error) && error.code === 'ERR_CGROUP_NOT_FOUND') return undefined
    throw error
  }
}

/** True when the cgroup of a state file is frozen; false where it is gone, or nothing freezes. */
export function isFrozen(saved: Readonly<Record<string, string>>, hierarchy: Hierarchy): boolean {
  const freezes = (one: HierarchyMount): boolean => one.version === 2 || one.controllers.includes('freezer')
  const mounts = hierarchy.mounts.filter(freezes) // the other folders are nothing to look at
  return openSavedCgroup(saved, { ...hierarchy, mounts })?.isFrozen() ?? false
}

function subgroup(cgroup: Cgroup, below: string | Readonly<Record<string, string>>): Cgroup {
  try {
    return cgroup.subgroup(below)
  } catch (error) {
    if (!isCgroupError(error)) throw error
    if (error.code === 'ERR_CGROUP_NOT_FOUND' && error.path !== undefined)
      throw new RuntimeError(
        'ERR_RUNTIME_INVALID_ARG',
        `cannot execute in a part of the container's cgroup: adding pid to ${posix.join(error.path, 'cgroup.procs')}: no such file or directory`,
        { cause: error },
      )
    throw new RuntimeError('ERR_RUNTIME_INVALID_ARG', error.message, { cause: error })
  }
}

/** An error of cgroups in the terms of the runtime. */
export function explained(action: string, error: unknown): unknown {
  if (!isCgroupError(error)) return error
  const wrap = (code: RuntimeError['code'], message: string) =>
    new RuntimeError(code, message, { cause: error })
  switch (error.code) {
    case 'ERR_CGROUP_FROZEN':
      return wrap('ERR_RUNTIME_START', `container's cgroup unexpectedly frozen: ${error.message}`)
    case 'ERR_CGROUP_BUSY': {
      // with an errno, it is a group above that has processes of its own
      const what = error.errno === undefined ? "container's cgroup is not empty" : `cannot ${action}`
      return wrap('ERR_RUNTIME_START', `${what}: ${error.message}`)
    }
    case 'ERR_CGROUP_INVALID_ARG':
    case 'ERR_CGROUP_UNSUPPORTED':
    case 'ERR_CGROUP_NO_CONTROLLER':
      return wrap('ERR_RUNTIME_CONFIG', `invalid configuration: ${error.message}`)
    case 'ERR_CGROUP_REFUSED':
      return wrap('ERR_RUNTIME_LIMIT', error.message)
    default:
      return wrap(
        'ERR_RUNTIME_START',
        `unable to apply cgroup configuration: cannot ${action}: ${error.message}`,
      )
  }
}

function invalidCgroup(why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', `invalid --cgroup argument: ${why}`)
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 120))
}
