import { CgroupError } from '../errors.js'
import { checkInteger, invalid } from './check.js'
import { parseCpuList } from './parse-cpu-list.js'
import type { CpuResources } from './resources.js'
import type { Setting } from './setting.js'
import { sharesToWeight } from './shares.js'

/** The kernel's own default of a period, in microseconds. */
export const DEFAULT_PERIOD_USEC = 100_000

/** Settings of `cpu`, in the order that a new group needs. Pure. */
export function planCpu(cpu: CpuResources, version: 1 | 2): Setting[] {
  check(cpu)
  const { shares, quota, period, burst, idle, realtimeRuntime, realtimePeriod } = cpu
  const found: Setting[] = []
  const add = (file: string, value: number | string) =>
    found.push({ controller: 'cpu', file, value: String(value) })
  if (idle === false) add('cpu.idle', 0) // an idle group refuses shares
  if (version === 1) {
    if (shares !== undefined) add('cpu.shares', shares)
    if (period !== undefined) add('cpu.cfs_period_us', period)
    if (quota !== undefined) add('cpu.cfs_quota_us', quota === 'max' ? -1 : quota)
    if (burst !== undefined) add('cpu.cfs_burst_us', burst)
    if (realtimePeriod !== undefined) add('cpu.rt_period_us', realtimePeriod)
    if (realtimeRuntime !== undefined) add('cpu.rt_runtime_us', realtimeRuntime)
  } else {
    if (realtimeRuntime !== undefined || realtimePeriod !== undefined)
      throw new CgroupError(
        'ERR_CGROUP_UNSUPPORTED',
        'cannot use cpu.realtimeRuntime and cpu.realtimePeriod: the cpu controller has them on v1 only, here it is on v2',
      )
    if (shares !== undefined) add('cpu.weight', sharesToWeight(shares))
    // `max` alone would keep the period; a period without a quota is kept for the quota to come
    if (quota !== undefined || period !== undefined)
      add('cpu.max', period === undefined ? (quota ?? 'max') : `${quota ?? 'max'} ${period}`)
    if (burst !== undefined) add('cpu.max.burst', burst)
  }
  if (idle === true) add('cpu.idle', 1)
  return found
}

/** Settings of `cpuset`: the same on both versions. Pure. */
export function planCpuset({ cpus, mems }: CpuResources): Setting[] {
  const found: Setting[] = []
  for (const [name, list] of [
    ['cpus', cpus],
    ['mems', mems],
  ] as const) {
    if (list === undefined) continue
    if (parseCpuList(list, `cpu.${name}`).length === 0)
      throw invalid(`cpu.${name}`, 'a list such as 0-3,7', list)
    found.push({ controller: 'cpuset', file: `cpuset.${name}`, value: list })
  }
  return found
}

function check(cpu: CpuResources): void {
  const { shares, quota, period, burst, realtimeRuntime, realtimePeriod } = cpu
  for (const [name, time] of Object.entries({ realtimeRuntime, realtimePeriod }))
    if (time !== undefined) checkInteger(`cpu.${name}`, time, 0, Number.MAX_SAFE_INTEGER, 'microseconds')
  if (shares !== undefined) checkInteger('cpu.shares', shares, 2, 262_144)
  if (quota !== undefined && quota !== 'max')
    checkInteger('cpu.quota', quota, 1000, Number.MAX_SAFE_INTEGER, 'microseconds')
  if (period !== undefined) checkInteger('cpu.period', period, 1000, 1_000_000, 'microseconds')
  if (burst === undefined) return
  checkInteger('cpu.burst', burst, 0, Number.MAX_SAFE_INTEGER, 'microseconds')
  if (typeof quota === 'number' && burst > quota)
    throw invalid('cpu.burst', `at most cpu.quota (${quota})`, burst)
}
