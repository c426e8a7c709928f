import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, detectHierarchy, type Cgroup, type Resources } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
let group: Cgroup | undefined
const create = (resources: Resources, path = uniquePath()): Cgroup => (group = createCgroup(path, resources))
const read = (controller: string, file: string) =>
  readFileSync(`${group!.folder(controller)!}/${file}`, 'utf8').trim()
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

describeOn(['root', 'cgroup1'], 'update() on the real kernel', () => {
  it('moves memory and swap up and down in the order that the kernel takes', () => {
    create({ memory: { limit: 32 * MiB, swap: 64 * MiB } })
    for (const [limit, swap] of [
      [30, 50],
      [60, 80],
      [60, 60],
      [20, 20],
      [128, 128],
    ] as const) {
      group!.update({ memory: { limit: limit * MiB, swap: swap * MiB } })
      expect(read('memory', 'memory.limit_in_bytes')).toBe(String(limit * MiB))
      expect(read('memory', 'memory.memsw.limit_in_bytes')).toBe(String(swap * MiB))
    }
    group!.update({ memory: { swap: 256 * MiB } })
    expect(read('memory', 'memory.memsw.limit_in_bytes')).toBe(String(256 * MiB))
    group!.update({ memory: { limit: 'max', swap: 'max', kernelTCP: 8 * MiB } })
    expect(group!.stats().memory?.limit).toBe('max')
    expect(read('memory', 'memory.kmem.tcp.limit_in_bytes')).toBe(String(8 * MiB))
  })

  it('moves quota and period below a parent with a quota of its own', async () => {
    const parent = createCgroup(uniquePath(), { cpu: { quota: 50_000, period: 100_000 } })
    try {
      create({ cpu: { quota: 50_000, period: 100_000 } }, `${parent.path}/below`)
      expect(() => group!.update({ cpu: { quota: 60_000 } })).toThrow(
        expect.objectContaining({ code: 'ERR_CGROUP_REFUSED', errno: 'EINVAL', value: '60000' }),
      )
      for (const [quota, period] of [
        [3000, 10_000],
        [500_000, 1_000_000],
        [1000, 2000],
      ] as const) {
        group!.update({ cpu: { quota, period } })
        expect([read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.cfs_period_us')]).toEqual([
          String(quota),
          String(period),
        ])
      }
      await group!.remove()
      group = undefined
    } finally {
      await parent.remove()
    }
  })

  it('moves real-time limits and their period, where the kernel has them', () => {
    create({})
    const limits = () => [read('cpu', 'cpu.rt_runtime_us'), read('cpu', 'cpu.rt_period_us')].map(Number)
    if (!existsSync(`${group!.folder('cpu')!}/cpu.rt_runtime_us`)) {
      expect(() => group!.update({ cpu: { realtimeRuntime: 1 } })).toThrow(/cpu\.rt_runtime_us: ENOENT/)
      return
    }
    group!.update({ cpu: { realtimeRuntime: 500_001 } })
    for (const [realtimeRuntime, realtimePeriod] of [
      [500_001, 800_001],
      [600_001, 900_001],
      [3000, 10_000],
      [20_000, 100_000],
    ] as const) {
      group!.update({ cpu: { realtimeRuntime, realtimePeriod } })
      expect(limits()).toEqual([realtimeRuntime, realtimePeriod])
    }
  })

  it('changes what is given and nothing else', () => {
    create({ cpu: { shares: 100, quota: 500_000, period: 1_000_000 }, pids: { limit: 20 } })
    group!.update({ cpu: { period: 900_000 } })
    expect(read('cpu', 'cpu.cfs_quota_us')).toBe('500000')
    group!.update({ cpu: { quota: 'max' } })
    expect([read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.cfs_period_us')]).toEqual(['-1', '900000'])
    expect([read('cpu', 'cpu.shares'), read('pids', 'pids.max')]).toEqual(['100', '20'])
    group!.update({ cpu: { idle: true }, pids: { limit: 'max' } })
    expect([read('cpu', 'cpu.idle'), read('pids', 'pids.max')]).toEqual(['1', 'max'])
    group!.update({ cpu: { idle: false, shares: 200 } })
    expect([read('cpu', 'cpu.idle'), read('cpu', 'cpu.shares')]).toEqual(['0', '200'])
  })

  it('throttles a block device, and lets go again', () => {
    const disk = readdirSync('/sys/block').map((name) =>
      readFileSync(`/sys/block/${name}/dev`, 'utf8').trim(),
    )[0]!
    const [major, minor] = disk.split(':').map(Number) as [number, number]
    const limit = (rate: number | 'max') => ({
      blockIO: {
        throttleReadBpsDevice: [{ major, minor, rate }],
        throttleWriteIOPSDevice: [{ major, minor, rate }],
      },
    })
    create(limit(485_760))
    expect(read('blkio', 'blkio.throttle.read_bps_device')).toBe(`${disk} 485760`)
    group!.update(limit(1_000_000))
    expect(read('blkio', 'blkio.throttle.read_bps_device')).toBe(`${disk} 1000000`)
    expect(read('blkio', 'blkio.throttle.write_iops_device')).toBe(`${disk} 1000000`)
    group!.update(limit('max'))
    expect(read('blkio', 'blkio.throttle.read_bps_device')).toBe('')
    expect(() =>
      group!.update({ blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 7, rate: 1 }] } }),
    ).toThrow(
      expect.objectContaining({ errno: 'ENODEV', message: expect.stringContaining('no such block device') }),
    )
  })

  it('names the file that this kernel does not have', () => {
    create({})
    expect(() => group!.update({ blockIO: { leafWeight: 100 } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_UNSUPPORTED',
        message: expect.stringMatching(/blkio\.leaf_weight: ENOENT \(no such file or directory\)/),
      }),
    )
    expect(() => createCgroup(uniquePath(), { rdma: { mlx4_0: { hcaObjects: 1 } } })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_NO_CONTROLLER' }),
    )
  })

  it('leads device rules over without a moment in which they are lost', async () => {
    const rules = [
      { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 5, access: 'rw' },
    ] as const
    create({ devices: rules })
    const inside = runInside(group!, 'echo up; while :; do (: </dev/null) || echo lost; done 2>&-')
    let text = ''
    inside.process.stdout!.on('data', (chunk: string) => (text += chunk))
    await inside.line
    for (let n = 0; n < 100; n++) group!.update({ devices: n % 2 === 0 ? rules.slice(0, 1) : rules })
    await group!.kill()
    await inside.end
    expect(text).toBe('up\n')
    expect(read('devices', 'devices.list').split('\n').sort()).toEqual(['c 1:3 rwm', 'c 1:5 rw'])
  })

  it('limits huge pages in whichever hierarchy has them', () => {
    const hierarchy = detectHierarchy()
    const mount = hierarchy.controllers.get('hugetlb')
    const resources = { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] }
    if (!mount) {
      expect(() => createCgroup(uniquePath(), resources)).toThrow(
        expect.objectContaining({ code: 'ERR_CGROUP_NO_CONTROLLER' }),
      )
      return
    }
    create(resources)
    const limit = mount.version === 1 ? 'limit_in_bytes' : 'max'
    expect(read('hugetlb', `hugetlb.2MB.${limit}`)).toBe(String(4 * MiB))
    expect(read('hugetlb', `hugetlb.2MB.rsvd.${limit}`)).toBe(String(4 * MiB))
  })
})
