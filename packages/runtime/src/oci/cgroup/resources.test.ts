import { describe, expect, it } from '@jest/globals'
import { planResources, type Hierarchy, type HierarchyMount } from '@ctr/cgroups'
import type { ConfigResources } from '../config/config-resources.js'
import { alwaysAllowed } from './device-rules.js'
import { resourcesOf } from './resources.js'

const host = (version: 1 | 2): Hierarchy => {
  const names = version === 1 ? ['cpu', 'memory', 'blkio', 'devices'] : ['cpu', 'memory', 'io']
  const mount: HierarchyMount = {
    version,
    controllers: names,
    name: undefined,
    mountpoint: '/cg',
    ownPath: '/',
  }
  return {
    mode: version === 1 ? 'v1' : 'v2',
    mounts: [mount],
    controllers: new Map(names.map((name) => [name, mount])),
  }
}
const lines = (config: ConfigResources, version: 1 | 2) =>
  planResources(resourcesOf(config, host(version), { devices: false }), version).map(
    ({ file, value }) => `${file} = ${value}`,
  )
const refused = (config: ConfigResources, message: RegExp) => {
  expect(() => resourcesOf(config, host(1))).toThrow(
    expect.objectContaining({ code: 'ERR_RUNTIME_CONFIG', message: expect.stringMatching(message) }),
  )
}
const MiB = 2 ** 20

describe('resourcesOf()', () => {
  it('reads -1 as no limit and 0 as not given', () => {
    const config = {
      memory: { limit: -1, reservation: -1n, swap: 0 },
      cpu: { quota: -1, shares: 0, period: 0, realtimeRuntime: 0 },
      pids: { limit: -1 },
    }
    expect(lines(config, 1)).toEqual([
      'cpu.cfs_quota_us = -1',
      'memory.limit_in_bytes = -1',
      'memory.memsw.limit_in_bytes = -1',
      'memory.soft_limit_in_bytes = -1',
      'pids.max = max',
    ])
    expect(
      lines({ memory: { limit: 0 }, pids: { limit: 0 }, blockIO: { weight: 0, leafWeight: 0 } }, 1),
    ).toEqual([])
    expect(lines({ cpu: { burst: 0 }, memory: { disableOOMKiller: false } }, 1)).toEqual([
      'cpu.cfs_burst_us = 0',
    ])
  })

  it('takes numbers that no number holds as no limit', () => {
    const config = {
      memory: { limit: 9_223_372_036_854_771_712n },
      hugepageLimits: [{ pageSize: '2MB', limit: 18_446_744_073_709_551_615n }],
    }
    expect(lines(config, 2)).toEqual([
      'memory.max = max',
      'memory.swap.max = max',
      'hugetlb.2MB.max = max',
      'hugetlb.2MB.rsvd.max = max',
    ])
    expect(lines({ pids: { limit: 64n }, cpu: { quota: 5000n } }, 1)).toEqual([
      'cpu.cfs_quota_us = 5000',
      'pids.max = 64',
    ])
  })

  it('passes over what only v1 has on v2', () => {
    const config = {
      memory: {
        limit: 64 * MiB,
        swappiness: 10,
        disableOOMKiller: true,
        kernelTCP: MiB,
        kernel: MiB,
        useHierarchy: true,
      },
      blockIO: { leafWeight: 100, weight: 500 },
    }
    expect(lines(config, 2)).toEqual([`memory.max = ${64 * MiB}`, 'io.bfq.weight = 500'])
    expect(lines(config, 1)).toEqual([
      `memory.limit_in_bytes = ${64 * MiB}`,
      'memory.swappiness = 10',
      `memory.kmem.tcp.limit_in_bytes = ${MiB}`,
      'memory.oom_control = 1',
      'blkio.bfq.weight = 500',
      'blkio.leaf_weight = 100',
    ])
  })

  it('takes the nearest weight on v2', () => {
    expect(lines({ cpu: { shares: 1 } }, 2)).toEqual(['cpu.weight = 1'])
    expect(lines({ cpu: { shares: 9_999_999 } }, 2)).toEqual(['cpu.weight = 10000'])
    expect(() => lines({ cpu: { shares: 1 } }, 1)).toThrow(/cpu\.shares/)
  })

  it('takes a rate of 0 as no limit', () => {
    const throttleReadBpsDevice = [{ major: 8, minor: 0, rate: 0 }]
    expect(lines({ blockIO: { throttleReadBpsDevice } }, 1)).toEqual([
      'blkio.throttle.read_bps_device = 8:0 0',
    ])
    expect(lines({ blockIO: { throttleReadBpsDevice } }, 2)).toEqual(['io.max = 8:0 rbps=max'])
  })

  it('refuses what means nothing', () => {
    refused({ memory: { limit: -2 } }, /memory\.limit/)
    refused({ cpu: { idle: 2 } }, /cpu\.idle must be 0 or 1, got 2/)
    refused({ devices: [{ allow: true, access: 'xyz' }] }, /devices\[0\]\.access/)
  })
})

describe('resourcesOf() of devices', () => {
  const rules = (devices: ConfigResources['devices']) => resourcesOf({ devices }, host(1)).devices!

  it('begins with nothing, and ends with what is always allowed', () => {
    expect(rules(undefined)).toEqual([{ allow: false, type: 'a', access: 'rwm' }, ...alwaysAllowed])
    expect(resourcesOf(undefined, host(1)).devices).toHaveLength(alwaysAllowed.length + 1)
  })

  it('reads unset and -1 as any, and passes over unknown letters', () => {
    expect(rules([{ allow: false, type: 'c', major: 1, minor: -1, access: 'rwa' }])[1]).toEqual({
      allow: false,
      type: 'c',
      major: 1,
      minor: undefined,
      access: 'rw',
    })
    expect(rules([{ allow: true, access: 'rwm' }])[1]).toEqual({ allow: true, type: 'a', access: 'rwm' })
  })

  it('does not take a rule for both kinds about one number for one about everything', () => {
    expect(rules([{ allow: true, major: 10, minor: 229, access: 'rw' }]).slice(1, 3)).toEqual([
      { allow: true, type: 'b', major: 10, minor: 229, access: 'rw' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
    ])
  })
})
