import { DEFAULT_PERIOD_USEC } from './plan-cpu.js'
import { checkInteger, invalid } from './check.js'
import type { CpuResources } from './resources.js'

/**
 * Says a number of processors as quota and period: `0.5` is 50 ms in every 100 ms. Pure.
 *
 * @param cpus - Processors' worth of time, from 0.01; may be above 1.
 * @param period - Length of a period in microseconds, 1000 to 1000000; 100000 unless given.
 * @returns `quota` and `period` in microseconds, to spread into `cpu`.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: outside the range, or less than 1000 microseconds a period.
 *
 * @example
 * createCgroup('/demo', { cpu: { ...cpuBandwidth(0.5), shares: 512 } })
 */
export function cpuBandwidth(
  cpus: number,
  period: number = DEFAULT_PERIOD_USEC,
): Required<Pick<CpuResources, 'quota' | 'period'>> & { readonly quota: number; readonly period: number } {
  checkInteger('cpu.period', period, 1000, 1_000_000, 'microseconds')
  const quota = Math.round(cpus * period)
  if (typeof cpus === 'number' && Number.isSafeInteger(quota) && quota >= 1000) return { quota, period }
  throw invalid('cpus', `a number from ${1000 / period}`, cpus)
}
