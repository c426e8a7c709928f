import type { Cgroup } from '@ctr/cgroups'
import type { Context } from '../context.js'
import type { ContainerLimits } from './container-limits.js'
import type { ContainerRecord } from './record.js'
import { resourcesOf } from './resources-of.js'

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
  const { memory, cpus } = limits
  const numbers = { memorySwap: numberIn(limits.memorySwap), pids: numberIn(limits.pids) }
  return {
    ...record,
    limits: { memory: memory ?? null, cpus: cpus ?? null, pids: numbers.pids ?? null },
    options: record.options === null ? null : { ...record.options, ...limits, ...numbers },
  }
}

/** At its next start no limit is what there is without one. */
function numberIn(limit: number | 'max' | undefined): number | undefined {
  return limit === 'max' ? undefined : limit
}
