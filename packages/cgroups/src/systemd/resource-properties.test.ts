import { describe, expect, it } from '@jest/globals'
import type { Resources } from '../plan/resources.js'
import { defaultDeviceRules } from '../plan/default-device-rules.js'
import { dependsOnVersion, resourceProperties } from './resource-properties.js'
import { oomPolicy } from './unified-properties.js'

const MAX = 2n ** 64n - 1n
const properties = (resources: Resources, version: 1 | 2 = 2, systemd = 257) =>
  resourceProperties(resources, () => version, systemd).map(({ name, signature, value }) => [
    name,
    signature,
    value,
  ])

describe('resourceProperties()', () => {
  it('says limits of v2', () => {
    expect(
      properties({
        cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: '0-1,9', mems: '0' },
        memory: { limit: 1000, swap: 3000, reservation: 500 },
        pids: { limit: 7 },
        blockIO: { weight: 500 },
      }),
    ).toEqual([
      ['CPUWeight', 't', 100n],
      ['CPUQuotaPeriodUSec', 't', 100_000n],
      ['CPUQuotaPerSecUSec', 't', 500_000n],
      ['AllowedCPUs', 'ay', Uint8Array.of(3, 2)],
      ['AllowedMemoryNodes', 'ay', Uint8Array.of(1)],
      ['MemoryMax', 't', 1000n],
      ['MemoryLow', 't', 500n],
      ['MemorySwapMax', 't', 2000n],
      ['TasksMax', 't', 7n],
      ['IOWeight', 't', 4500n],
    ])
  })

  it('says limits of v1', () => {
    expect(
      properties(
        {
          cpu: { shares: 512, quota: 'max', cpus: '0' },
          memory: { limit: 1000, swap: 2000 },
          blockIO: { weight: 50 },
        },
        1,
      ),
    ).toEqual([
      ['CPUShares', 't', 512n],
      ['CPUQuotaPerSecUSec', 't', MAX],
      ['MemoryLimit', 't', 1000n],
      ['BlockIOWeight', 't', 50n],
    ])
  })

  it('has a word for no limit', () => {
    expect(properties({ memory: { limit: 'max', swap: 'max' }, pids: { limit: 'max' } })).toEqual([
      ['MemoryMax', 't', MAX],
      ['MemorySwapMax', 't', MAX],
      ['TasksMax', 't', MAX],
    ])
    expect(properties({})).toEqual([])
  })

  it('calls an idle group so where systemd knows it, instead of a weight', () => {
    expect(properties({ cpu: { shares: 2, idle: true } })).toEqual([['CPUWeight', 't', 0n]])
    expect(properties({ cpu: { idle: true } }, 2, 249)).toEqual([])
    expect(dependsOnVersion({ cpu: { idle: true } })).toBe(true)
    expect(dependsOnVersion({ cpu: { shares: 2 } })).toBe(false)
  })

  it('finds properties for files of v2, which win', () => {
    expect(
      properties({
        pids: { limit: 7 },
        unified: {
          'cpu.weight': '50',
          'cpu.max': 'max 50000',
          'cpuset.cpus': '1',
          'memory.high': ' 4096\n',
          'memory.min': 'max',
          'memory.swap.max': '0',
          'pids.max': '0',
          'io.max': '8:0 rbps=1',
        },
      }),
    ).toEqual([
      ['CPUWeight', 't', 50n],
      ['CPUQuotaPeriodUSec', 't', 50_000n],
      ['CPUQuotaPerSecUSec', 't', MAX],
      ['AllowedCPUs', 'ay', Uint8Array.of(2)],
      ['MemoryHigh', 't', 4096n],
      ['MemoryMin', 't', MAX],
      ['MemorySwapMax', 't', 0n],
      ['TasksMax', 't', 1n],
    ])
    expect(properties({ unified: { 'cpu.max': '10001' } })).toEqual([
      ['CPUQuotaPeriodUSec', 't', 100_000n],
      ['CPUQuotaPerSecUSec', 't', 110_000n],
    ])
    expect(properties({ unified: { 'cpu.idle': '1', 'cpu.weight': '5' } })).toEqual([['CPUWeight', 't', 0n]])
  })

  it.each([
    { 'memory.max': 'much' },
    { 'cpu.max': '1 2 3' },
    { 'cpu.max': '1 0' },
    { 'cpuset.cpus': 'x' },
    { 'pids.max': '-1' },
  ])('refuses %j', (unified) => {
    expect(() => properties({ unified })).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
  })

  it('says device rules, wider where systemd has no narrower word', () => {
    expect(
      properties({
        devices: [
          { allow: false, type: 'a', access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
          { allow: true, type: 'c', major: 136, access: 'rwm' },
          { allow: true, type: 'b', access: 'm' },
          { allow: true, type: 'c', minor: 5, access: 'r' },
        ],
      }),
    ).toEqual([
      ['DevicePolicy', 's', 'strict'],
      ['DeviceAllow', 'a(ss)', []],
      [
        'DeviceAllow',
        'a(ss)',
        [
          ['/dev/char/1:3', 'rw'],
          ['char-136', 'rwm'],
          ['block-*', 'm'],
          ['char-*', 'r'],
        ],
      ],
    ])
    expect(properties({ devices: defaultDeviceRules })[0]).toEqual(['DevicePolicy', 's', 'strict'])
  })

  it('leaves rules that are no list of what is allowed to the group itself', () => {
    const open = [
      ['DevicePolicy', 's', 'auto'],
      ['DeviceAllow', 'a(ss)', []],
    ]
    expect(properties({ devices: [{ allow: true, type: 'a', access: 'rwm' }] })).toEqual(open)
    const exceptions: Resources['devices'] = [
      { allow: true, type: 'c', major: 1, access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 3, access: 'rwm' },
    ]
    expect(properties({ devices: exceptions })).toEqual(open)
  })
})

describe('oomPolicy()', () => {
  it('is said to systemd that knows it', () => {
    expect(oomPolicy({ 'memory.oom.group': '1' }, 253)).toEqual([
      { name: 'OOMPolicy', signature: 's', value: 'kill' },
    ])
    expect(oomPolicy({ 'memory.oom.group': '0' }, 257)).toEqual([
      { name: 'OOMPolicy', signature: 's', value: 'continue' },
    ])
    expect(oomPolicy({ 'memory.oom.group': '1' }, 252)).toEqual([])
    expect(oomPolicy({}, 257)).toEqual([])
  })
})
