import { readFileIfThere } from '../kernel/interface-file.js'
import type { Cgroup } from '../group/cgroup.js'
import type { Resources } from '../plan/resources.js'

/**
 * Adds to an update what systemd needs beside it: of quota and period the one that stays, and the limit of memory that
 * one of memory and swap goes with. The cgroup's files need neither.
 */
export function completed(resources: Resources, cgroup: Cgroup): Resources {
  const { cpu, memory } = resources
  return {
    ...resources,
    ...(cpu !== undefined && (cpu.quota === undefined) !== (cpu.period === undefined)
      ? { cpu: { ...bandwidthOf(cgroup), ...defined(cpu) } }
      : {}),
    ...(typeof memory?.swap === 'number' && memory.limit === undefined
      ? { memory: { ...memory, limit: limitOf(cgroup) } }
      : {}),
  }
}

/** Quota and period that a group has. */
function bandwidthOf(cgroup: Cgroup): { quota?: number | 'max'; period?: number } {
  const read = (file: string) => readFileIfThere(`${cgroup.folder('cpu') ?? ''}/${file}`)?.trim()
  const max = read('cpu.max')?.split(' ')
  const [quota, period] = max ?? [read('cpu.cfs_quota_us'), read('cpu.cfs_period_us')]
  if (quota === undefined || period === undefined) return {}
  return { quota: quota === 'max' || quota === '-1' ? 'max' : Number(quota), period: Number(period) }
}

/** Limit of memory that a group has; undefined without one. */
function limitOf(cgroup: Cgroup): number | undefined {
  const folder = cgroup.folder('memory') ?? ''
  const text = readFileIfThere(`${folder}/memory.max`) ?? readFileIfThere(`${folder}/memory.limit_in_bytes`)
  const limit = Number(text)
  return Number.isSafeInteger(limit) ? limit : undefined
}

function defined<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T
}
