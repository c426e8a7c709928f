import { describe, expect, it } from '@jest/globals'
import type { Hierarchy, HierarchyMount } from '../host/hierarchy.js'
import { defaultDeviceRules } from './default-device-rules.js'
import { planFor, planResources } from './plan-resources.js'
import type { Resources } from './resources.js'

const MiB = 2 ** 20
const lines = (resources: Resources, version: 1 | 2) =>
  planResources(resources, version).map(({ controller, file, value }) => `${controller}: ${file} = ${value}`)
const everything: Resources = {
  cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 20_000, cpus: '0-1', mems: '0' },
  memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: 32 * MiB },
  pids: { limit: 64 },
}

describe('planResources()', () => {
  it('writes v1 files in the order of a new group', () => {
    const more = { memory: { ...everything.memory, swappiness: 10, disableOOMKiller: true } }
    expect(lines({ ...everything, ...more }, 1)).toEqual([
      'cpuset: cpuset.cpus = 0-1',
      'cpuset: cpuset.mems = 0',
      'cpu: cpu.shares = 512',
      'cpu: cpu.cfs_period_us = 100000',
      'cpu: cpu.cfs_quota_us = 50000',
      'cpu: cpu.cfs_burst_us = 20000',
      'memory: memory.limit_in_bytes = 67108864',
      'memory: memory.memsw.limit_in_bytes = 100663296',
      'memory: memory.soft_limit_in_bytes = 33554432',
      'memory: memory.swappiness = 10',
      'memory: memory.oom_control = 1',
      'pids: pids.max = 64',
    ])
  })

  it('writes v2 files, with weight instead of shares and swap without memory', () => {
    expect(lines(everything, 2)).toEqual([
      'cpuset: cpuset.cpus = 0-1',
      'cpuset: cpuset.mems = 0',
      'cpu: cpu.weight = 59',
      'cpu: cpu.max = 50000 100000',
      'cpu: cpu.max.burst = 20000',
      'memory: memory.max = 67108864',
      'memory: memory.swap.max = 33554432',
      'memory: memory.low = 33554432',
      'pids: pids.max = 64',
    ])
  })

  it("writes each version's word for 'max'", () => {
    const unlimited = {
      memory: { limit: 'max', swap: 'max' },
      cpu: { quota: 'max' },
      pids: { limit: 'max' },
    } as const
    expect(lines(unlimited, 1)).toEqual([
      'cpu: cpu.cfs_quota_us = -1',
      'memory: memory.limit_in_bytes = -1',
      'memory: memory.memsw.limit_in_bytes = -1',
      'pids: pids.max = max',
    ])
    expect(lines(unlimited, 2)).toEqual([
      'cpu: cpu.max = max',
      'memory: memory.max = max',
      'memory: memory.swap.max = max',
      'pids: pids.max = max',
    ])
  })

  it('leaves out what is not given', () => {
    expect(planResources({}, 1)).toEqual([])
    expect(planResources({ cpu: {}, memory: { limit: undefined }, pids: {}, devices: [] }, 2)).toEqual([])
  })

  it('takes a group out of idle before, and into it after, its shares', () => {
    expect(lines({ cpu: { idle: false, shares: 2 } }, 1)).toEqual([
      'cpu: cpu.idle = 0',
      'cpu: cpu.shares = 2',
    ])
    expect(lines({ cpu: { idle: true } }, 2)).toEqual(['cpu: cpu.idle = 1'])
  })

  it('writes device rules in order on v1, and to no file on v2', () => {
    expect(lines({ devices: defaultDeviceRules }, 1).slice(0, 4)).toEqual([
      'devices: devices.deny = a *:* rwm',
      'devices: devices.allow = c *:* m',
      'devices: devices.allow = b *:* m',
      'devices: devices.allow = c 1:3 rwm',
    ])
    expect(planResources({ devices: defaultDeviceRules }, 2)).toEqual([])
  })

  const bad: [string, Resources, RegExp][] = [
    ['a fraction of a byte', { memory: { limit: 1e6 + 0.5 } }, /memory\.limit/],
    ['a negative limit', { memory: { limit: -1 } }, /memory\.limit/],
    [
      'a limit too small to start anything',
      { memory: { limit: 4096 } },
      /at least 524288 bytes \(512 KiB\).*got 4096/,
    ],
    [
      'swap below memory',
      { memory: { limit: 64 * MiB, swap: 32 * MiB } },
      /memory\.swap: it must be at least memory\.limit/,
    ],
    [
      'swap without memory',
      { memory: { swap: 32 * MiB } },
      /memory\.swap: it must be beside a memory\.limit/,
    ],
    ['swappiness above 100', { memory: { swappiness: 101 } }, /memory\.swappiness/],
    ['shares of 1', { cpu: { shares: 1 } }, /cpu\.shares/],
    ['a quota below a millisecond', { cpu: { quota: 999 } }, /cpu\.quota/],
    ['a quota of -1', { cpu: { quota: -1 } }, /cpu\.quota/],
    ['a period above a second', { cpu: { period: 1_000_001 } }, /cpu\.period/],
    ['a burst above the quota', { cpu: { quota: 1000, burst: 1001 } }, /cpu\.burst/],
    ['no processors', { cpu: { cpus: '' } }, /cpu\.cpus/],
    ['a list that hides another write', { cpu: { cpus: '0\n1' } }, /cpu\.cpus/],
    ['no processes', { pids: { limit: 0 } }, /pids\.limit/],
    ['not a number', { pids: { limit: Number.NaN } }, /pids\.limit/],
    ['an access twice', { devices: [{ allow: true, type: 'c', access: 'rr' }] }, /devices\[0\]\.access/],
    [
      'everything but one minor',
      { devices: [{ allow: true, type: 'a', minor: 1, access: 'rwm' }] },
      /devices\[0\]/,
    ],
    [
      'a huge major',
      { devices: [{ allow: true, type: 'b', major: 4096, access: 'r' }] },
      /devices\[0\]\.major/,
    ],
    ['an unknown type', { devices: [{ allow: true, type: 'x' as 'c', access: 'r' }] }, /devices\[0\]\.type/],
  ]
  it.each(bad)('refuses %s', (_, resources, message) => {
    expect(() => planResources(resources, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG', message: expect.stringMatching(message) }),
    )
  })

  it('says what v2 does not have', () => {
    for (const memory of [{ swappiness: 10 }, { disableOOMKiller: true }])
      expect(() => planResources({ memory }, 2)).toThrow(
        expect.objectContaining({ code: 'ERR_CGROUP_UNSUPPORTED' }),
      )
  })
})

describe('planFor()', () => {
  const mount = (version: 1 | 2, controllers: string[]): HierarchyMount => ({
    version,
    controllers,
    name: undefined,
    mountpoint: `/cg${version}`,
    ownPath: '/',
  })
  const host = (...mounts: HierarchyMount[]): Hierarchy => ({
    mode: 'hybrid',
    mounts,
    controllers: new Map(mounts.flatMap((one) => one.controllers.map((name) => [name, one]))),
  })

  it('plans each controller for the version it has', () => {
    const plan = planFor(host(mount(1, ['cpu']), mount(2, ['memory'])), {
      cpu: { shares: 2 },
      memory: { limit: MiB },
    })
    expect(plan.map(({ file }) => file)).toEqual(['cpu.shares', 'memory.max'])
  })

  it('names every missing controller', () => {
    expect(() =>
      planFor(host(mount(1, ['cpu'])), { memory: { limit: MiB }, pids: { limit: 1 }, cpu: { shares: 2 } }),
    ).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_NO_CONTROLLER',
        message: 'cannot limit memory, pids: no such controller is mounted or delegated here (cpu)',
      }),
    )
  })
})
