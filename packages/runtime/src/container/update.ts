import type { Cgroup } from '@ctr/cgroups'
import type { Context } from '../context.js'
import type { RunOptions } from '../options.js'
import type { ContainerRecord } from './record.js'
import { resourcesOf } from './resources-of.js'

/** Limits of a container. What is not set stays as it is while it runs, and has no limit from its next start on. */
export type ContainerLimits = Pick<
  RunOptions,
  'memory' | 'memorySwap' | 'cpus' | 'cpuShares' | 'cpusetCpus' | 'pids' | 'resources'
>

/**
 * Gives a container other limits, at once where it runs, and for its next starts.
 *
 * @param cgroup - Of one that runs.
 * @returns What is to be kept about it.
 */
export function withLimits(
  context: Context,
  record: ContainerRecord,
  cgroup: Cgroup | undefined,
  limits: ContainerLimits,
): ContainerRecord {
  const { devices: _devices, ...resources } = resourcesOf(context, limits)
  cgroup?.update(resources)
  const { memory, cpus, pids } = limits
  return {
    ...record,
    limits: { memory: memory ?? null, cpus: cpus ?? null, pids: pids ?? null },
    options: record.options === null ? null : { ...record.options, ...limits },
  }
}
