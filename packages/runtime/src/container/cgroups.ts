import {
  createCgroup,
  isCgroupError,
  listCgroups,
  openCgroup,
  type Cgroup,
  type GroupPaths,
  type Resources,
} from '@ctr/cgroups'
import type { Context } from '../context.js'
import type { RunOptions } from '../options.js'
import { refuseLimits } from '../rootless/limits.js'
import { checkCgroupParent } from './cgroup-parent.js'
import { makeScope, ownCgroup, type MadeCgroup } from '../setup/made-cgroup.js'

/** Slice that systemd's scopes of containers are in, as those of Docker. */
const SLICE = 'system.slice'

/**
 * Makes a container's cgroup; undefined for an ordinary user to whom none is delegated.
 *
 * @throws `RuntimeError` `ERR_RUNTIME_LIMIT`: such a user asks for a limit; `CgroupError`.
 */
export async function makeCgroup(
  context: Context,
  id: string,
  options: RunOptions,
  resources: Resources,
): Promise<MadeCgroup | undefined> {
  const { hierarchy, instance } = context
  if (!context.hasCgroups) {
    refuseLimits(options)
    return undefined
  }
  if (context.cgroupDriver === 'cgroupfs') {
    if (options.cgroupParent !== undefined)
      context.cgroupParents.set(id, checkCgroupParent(options.cgroupParent, context))
    try {
      return ownCgroup(createCgroup(context.cgroupPath(id), resources, { hierarchy }))
    } catch (error) {
      context.cgroupParents.remove(id)
      throw error
    }
  }
  return makeScope(`${instance}-${id}.scope`, resources, {
    hierarchy,
    slice: SLICE,
    description: `${instance} container ${id}`,
    user: false,
  })
}

/** Opens a container's cgroup, whichever driver has made it; undefined when it is gone or there never was one. */
export function cgroupOf(context: Context, id: string): Cgroup | undefined {
  if (!context.hasCgroups) return undefined
  return open(context, `/${SLICE}/${context.instance}-${id}.scope`) ?? open(context, context.cgroupPath(id))
}

/**
 * What is read from a container's cgroup; undefined when that is just being removed: its program has ended, and its
 * record does not say so yet.
 */
export function unlessRemoved<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    // the latter of a file that was opened before
    if (isCgroupError(error) && (error.errno === 'ENOENT' || error.errno === 'ENODEV')) return undefined
    throw error
  }
}

/** Ids of containers that have cgroups, whichever driver has made them. */
export function cgroupIds({ hasCgroups, hierarchy, instance, groupPath, cgroupParents }: Context): string[] {
  if (!hasCgroups) return []
  const names = [groupPath, `/${SLICE}`].flatMap((parent) =>
    listCgroups(parent, { hierarchy }).map((path) => path.slice(parent.length + 1)),
  )
  const scope = new RegExp(`^${instance}-([0-9a-f]{64})\\.scope$`)
  return [...names, ...cgroupParents.ids()].flatMap((name) =>
    /^[0-9a-f]{64}$/.test(name) ? [name] : (scope.exec(name)?.[1] ?? []),
  )
}

function open({ hierarchy }: Context, path: string | GroupPaths): Cgroup | undefined {
  try {
    return openCgroup(path, { hierarchy })
  } catch (error) {
    if (isCgroupError(error) && error.code === 'ERR_CGROUP_NOT_FOUND') return undefined
    throw error
  }
}
