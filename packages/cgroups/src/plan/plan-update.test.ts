import { describe, expect, it } from '@jest/globals'
import { planResources } from './plan-resources.js'
import { planUpdate } from './plan-update.js'
import type { Resources } from './resources.js'

const MiB = 2 ** 20
function files(resources: Resources, version: 1 | 2, now: Record<string, string>): string[] {
  return planUpdate(planResources(resources, version), resources, ({ file }) => now[file]).map(
    ({ file, value }) => `${file} = ${value}`,
  )
}
const now = {
  'memory.memsw.limit_in_bytes': `${64 * MiB}\n`,
  'cpu.cfs_quota_us': '50000\n',
  'cpu.max': '50000 100000\n',
}

describe('planUpdate()', () => {
  it('raises memory and swap together before memory, and lowers it after', () => {
    expect(files({ memory: { limit: 128 * MiB, swap: 128 * MiB } }, 1, now)).toEqual([
      `memory.memsw.limit_in_bytes = ${128 * MiB}`,
      `memory.limit_in_bytes = ${128 * MiB}`,
    ])
    expect(files({ memory: { limit: 32 * MiB, swap: 32 * MiB } }, 1, now)).toEqual([
      `memory.limit_in_bytes = ${32 * MiB}`,
      `memory.memsw.limit_in_bytes = ${32 * MiB}`,
    ])
    expect(files({ memory: { limit: 'max', swap: 'max' } }, 1, now)[0]).toBe(
      'memory.memsw.limit_in_bytes = -1',
    )
  })

  it('raises the quota before the burst, and lowers it after', () => {
    expect(files({ cpu: { quota: 20_000, burst: 10_000 } }, 1, now)).toEqual([
      'cpu.cfs_burst_us = 10000',
      'cpu.cfs_quota_us = 20000',
    ])
    expect(files({ cpu: { quota: 80_000, burst: 60_000 } }, 1, now)).toEqual([
      'cpu.cfs_quota_us = 80000',
      'cpu.cfs_burst_us = 60000',
    ])
    expect(files({ cpu: { quota: 20_000, burst: 10_000 } }, 2, now)).toEqual([
      'cpu.max.burst = 10000',
      'cpu.max = 20000',
    ])
  })

  it("keeps v2's quota when only the period changes", () => {
    expect(files({ cpu: { period: 50_000 } }, 2, now)).toEqual(['cpu.max = 50000 50000'])
    expect(files({ cpu: { period: 50_000 } }, 2, {})).toEqual(['cpu.max = max 50000'])
    expect(files({ cpu: { quota: 'max', period: 50_000 } }, 2, now)).toEqual(['cpu.max = max 50000'])
  })

  it('makes a period longer before the quota changes, and shorter after it', () => {
    const short = {
      'cpu.cfs_period_us': '10000\n',
      'cpu.cfs_quota_us': '3000\n',
      'cpu.rt_period_us': '10000\n',
    }
    const long = {
      'cpu.cfs_period_us': '1000000\n',
      'cpu.cfs_quota_us': '500000\n',
      'cpu.rt_period_us': '1000000\n',
    }
    expect(files({ cpu: { period: 1_000_000, quota: 500_000 } }, 1, short)).toEqual([
      'cpu.cfs_period_us = 1000000',
      'cpu.cfs_quota_us = 500000',
    ])
    expect(files({ cpu: { period: 10_000, quota: 3000 } }, 1, long)).toEqual([
      'cpu.cfs_quota_us = 3000',
      'cpu.cfs_period_us = 10000',
    ])
    expect(files({ cpu: { realtimePeriod: 10_000, realtimeRuntime: 3000 } }, 1, long)).toEqual([
      'cpu.rt_runtime_us = 3000',
      'cpu.rt_period_us = 10000',
    ])
  })

  it("counts v2's swap from the limit that is there", () => {
    const swap = (limit: string) =>
      planUpdate(
        [{ controller: 'memory', file: 'memory.swap.max', value: `${96 * MiB}` }],
        { memory: { swap: 96 * MiB } },
        () => limit,
      ).map(({ value }) => value)
    expect(swap(`${64 * MiB}\n`)).toEqual([`${32 * MiB}`])
    for (const limit of ['max\n', `${128 * MiB}\n`])
      expect(() => swap(limit)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
  })
})
