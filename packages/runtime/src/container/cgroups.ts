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
import { makeScope, ownCgroup, type MadeCgroup } from '../setup/made-cgroup.js'

/** Slice that systemd's scopes of containers are in, as those of Docker. */
const SLICE = 'system.slice'

/** Makes a container's cgroup. */
export async function makeCgroup(context: Context, id: string, resources: Resources): Promise<MadeCgroup> {
  const { hierarchy, instance } = context
  if (context.cgroupDriver === 'cgroupfs')
    return ownCgroup(createCgroup(context.cgroupPath(id), resources, { hierarchy }))
  return makeScope(`${instance}-${id}.scope`, resources, {
    hierarchy,
    slice: SLICE,
    description: `${instance} container ${id}`,
    user: false,
  })
}

/** Opens a container's cgroup, whichever driver has made it; undefined when it is gone. */
export function cgroupOf(context: Context, id: string): Cgroup | undefined {
  return open(context, `/${SLICE}/${context.instance}-${id}.scope`) ?? open(context, context.cgroupPath(id))
}

/** Ids of containers that have cgroups, whichever driver has made them. */
export function cgroupIds({ hierarchy, instance }: Context): string[] {
  const names = [`/${instance}`, `/${SLICE}`].flatMap((parent) =>
    listCgroups(parent, { hierarchy }).map((path) => path.slice(parent.length + 1)),
  )
  const scope = new RegExp(`^${instance}-([0-9a-f]{64})\\.scope$`)
  return names.flatMap((name) => (/^[0-9a-f]{64}$/.test(name) ? [name] : (scope.exec(name)?.[1] ?? [])))
}

function open({ hierarchy }: Context, path: string | GroupPaths): Cgroup | undefined {
  try {
    return openCgroup(path, { hierarchy })
  } catch (error) {
    if (isCgroupError(error) && error.code === 'ERR_CGROUP_NOT_FOUND') return undefined
    throw error
  }
}
