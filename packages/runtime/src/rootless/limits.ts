import { createCgroup, type Cgroup, type Resources } from '@ctr/cgroups'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { RunOptions } from '../options.js'

/** Why an ordinary user has no cgroups, and what to do about it. */
export const noDelegation =
  'an ordinary user needs cgroup v2 and a group that is delegated to it, as systemd gives every login (systemd-run --user --scope); or run as root'

const limits = ['memory', 'memorySwap', 'cpus', 'cpuShares', 'cpusetCpus', 'pids'] as const

/**
 * Makes a container's cgroup. An ordinary user to whom none is delegated does without, unless a limit is asked for:
 * a limit that is passed over in silence is worse than an error.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`; `CgroupError`.
 */
export function makeCgroup(
  context: Context,
  id: string,
  options: RunOptions,
  resources: Resources,
): Cgroup | undefined {
  if (context.hasCgroups)
    return createCgroup(context.cgroupPath(id), resources, { hierarchy: context.hierarchy })
  const asked = limits.find((name) => options[name] !== undefined)
  if (asked === undefined) return undefined
  throw new RuntimeError(
    'ERR_RUNTIME_LIMIT',
    `cannot limit ${asked}: no cgroup is delegated; ${noDelegation}`,
  )
}
