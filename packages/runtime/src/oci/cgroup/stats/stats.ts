import type { Cgroup } from '@ctr/cgroups'
import type { ContainerStats } from './container-stats.js'
import { statsV1 } from './stats-v1.js'
import { statsV2 } from './stats-v2.js'

/**
 * Reads a container's statistics. On a hybrid host each controller counts where it is, which is v1 for those that
 * matter. Print them with `eventText`: some numbers are larger than JSON.stringify() can say.
 */
export function containerStats(cgroup: Cgroup): ContainerStats {
  const unified = cgroup.hierarchy.mounts.find(({ version }) => version === 2)
  const path = cgroup.paths['unified']
  return cgroup.hierarchy.mode === 'v2' && unified !== undefined && path !== undefined
    ? statsV2(unified.mountpoint + path)
    : statsV1(cgroup)
}
