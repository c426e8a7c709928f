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
})
