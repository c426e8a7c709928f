import { DEFAULT_PERIOD_USEC } from '../plan/plan-cpu.js'
import type { CpuResources } from '../plan/resources.js'

/** systemd keeps a quota as whole percents of a processor: this much of each second, in microseconds. */
const PERCENT_USEC = 10_000
const SECOND_USEC = 1_000_000

/**
 * Rounds a quota up to what systemd can keep, a whole percent of one processor, so that what is written to the cgroup
 * is what systemd writes there again when it is reloaded. Pure.
 *
 * @param cpu - Limits with quota and period, where there is a quota.
 */
export function roundQuota(cpu: CpuResources): CpuResources {
  const { quota, period = DEFAULT_PERIOD_USEC } = cpu
  if (typeof quota !== 'number') return cpu
  return { ...cpu, quota: Math.floor((quotaPerSecond(quota, period) * period) / SECOND_USEC) }
}

/** Microseconds of processor time a second: `CPUQuotaPerSecUSec`. */
export function quotaPerSecond(quota: number, period: number): number {
  return Math.ceil(Math.floor((quota * SECOND_USEC) / period) / PERCENT_USEC) * PERCENT_USEC
}
