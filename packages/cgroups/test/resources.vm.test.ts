import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import {
  createCgroup,
  defaultDeviceRules,
  detectHierarchy,
  openCgroup,
  type Cgroup,
  type Resources,
} from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
const top = '/sys/fs/cgroup'
/** The rig's disk of zeros. */
const disk = { major: 254, minor: 0 }
let group: Cgroup | undefined
const create = (resources: Resources, path = uniquePath()): Cgroup => (group = createCgroup(path, resources))
const read = (file: string, { path } = group!) => readFileSync(`${top}${path}/${file}`, 'utf8').trim()
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

describeOn(['root', 'cgroup2'], 'detectHierarchy() on v2', () => {
  it('finds one hierarchy with all controllers', () => {
    const { mode, mounts, controllers } = detectHierarchy()
    expect(mode).toBe('v2')
    expect(mounts).toMatchObject([{ version: 2, mountpoint: top, ownPath: '/' }])
    expect([...controllers.keys()].sort()).toEqual(
      ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'misc', 'pids', 'rdma'], // of Debian's kernel
    )
  })
})

describeOn(['root', 'cgroup2'], 'createCgroup() on v2', () => {
  it('writes every resource, in every controller, with the conversions of the spec', async () => {
    create({
      cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 20_000, cpus: '1', mems: '0' },
      memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: 32 * MiB },
      pids: { limit: 64 },
      blockIO: {
        throttleReadBpsDevice: [{ ...disk, rate: 4 * MiB }],
        throttleWriteBpsDevice: [{ ...disk, rate: 2 * MiB }],
        throttleReadIOPSDevice: [{ ...disk, rate: 400 }],
        throttleWriteIOPSDevice: [{ ...disk, rate: 200 }],
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }],
      devices: defaultDeviceRules,
      unified: { 'memory.high': String(48 * MiB), 'cpu.weight.nice': '5' },
    })
    const expected = {
      'cpu.weight.nice': '5',
      'cpu.max': '50000 100000',
      'cpu.max.burst': '20000',
      'cpuset.cpus': '1',
      'cpuset.mems': '0',
      'memory.max': String(64 * MiB),
      'memory.swap.max': String(32 * MiB),
      'memory.low': String(32 * MiB),
      'memory.high': String(48 * MiB),
      'pids.max': '64',
      'io.max': `254:0 rbps=${4 * MiB} wbps=${2 * MiB} riops=400 wiops=200`,
      'hugetlb.2MB.max': String(4 * MiB),
      'hugetlb.2MB.rsvd.max': String(4 * MiB),
    }
    expect(Object.fromEntries(Object.keys(expected).map((file) => [file, read(file)]))).toEqual(expected)
    const { path } = group!
    expect(group!.stats()).toMatchObject({
      memory: { limit: 64 * MiB, swap: { limit: 32 * MiB, usage: 0 }, oomKills: 0 },
      pids: { current: 0, limit: 64, limitHits: 0 },
      cpu: { usageUsec: 0, throttling: { throttledPeriods: 0 } },
      io: { readBytes: 0 },
    })
    await group!.remove()
    expect(existsSync(top + path)).toBe(false)
    await group!.remove() // idempotent
  })

  it('weighs processors as runc does: shares of 1024 are about the weight of 100', () => {
    create({ cpu: { shares: 1024 } })
    expect(Number(read('cpu.weight'))).toBe(100)
  })

  it('makes groups above that are missing, and hands all controllers on to them', async () => {
    const parent = uniquePath()
    create({ pids: { limit: 5 } }, `${parent}/a/b`)
    await using above = openCgroup(parent)
    expect(read('cgroup.subtree_control', above).split(' ').sort()).toEqual([
      'cpu',
      'cpuset',
      'hugetlb',
      'io',
      'memory',
      'misc',
      'pids',
      'rdma',
    ])
    expect(read('pids.max')).toBe('5')
    await group!.remove()
  })

  it('leaves nothing when the kernel refuses a value, and names file, value and errno', () => {
    const path = uniquePath()
    expect(() => createCgroup(`${path}/child`, { cpu: { cpus: '4000' } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_REFUSED',
        path: `${top}${path}/child/cpuset.cpus`,
        value: '4000',
        errno: expect.stringMatching(/^E(INVAL|RANGE)$/),
      }),
    )
    expect(existsSync(top + path)).toBe(false)
  })

  it.each<[string, Resources, string]>([
    [
      'a disk that is not there',
      { blockIO: { throttleReadBpsDevice: [{ major: 9, minor: 9, rate: 1 }] } },
      'io.max',
    ],
    ['an RDMA device that is not there', { rdma: { mlx4_0: { hcaObjects: 1 } } }, 'rdma.max'],
    ['a resource that misc does not count', { misc: { sev: 3 } }, 'misc.max'],
    [
      'a size of huge pages that is not there',
      { hugepageLimits: [{ pageSize: '3MB', limit: 0 }] },
      'hugetlb.3MB.max',
    ],
    ['a file that no kernel has', { unified: { 'memory.nothing': '1' } }, 'memory.nothing'],
  ])('refuses %s by name', (_, resources, file) => {
    const path = uniquePath()
    expect(() => createCgroup(path, resources)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_CGROUP_(REFUSED|UNSUPPORTED)$/),
        path: `${top}${path}/${file}`,
      }),
    )
    expect(existsSync(top + path)).toBe(false)
  })

  it('says a controller that is missing, and what v1 alone has, before anything is made', () => {
    const path = uniquePath()
    const v1Only: Resources[] = [
      { memory: { limit: 64 * MiB, swappiness: 10 } },
      { memory: { limit: 64 * MiB, disableOOMKiller: true } },
      { cpu: { realtimeRuntime: 1000 } },
      { network: { classID: 1 } },
    ]
    for (const resources of v1Only)
      expect(() => createCgroup(path, resources)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_CGROUP_(UNSUPPORTED|NO_CONTROLLER)$/) }),
      )
    expect(() => createCgroup(path, { unified: { 'nothing.max': '1' } })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_NO_CONTROLLER' }),
    )
    expect(existsSync(top + path)).toBe(false)
  })

  it('refuses a group that is there, and one below a group with processes', async () => {
    create({ pids: { limit: 7 } })
    expect(() => createCgroup(group!.path)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_EXISTS' }))
    await runInside(group!, 'echo up; exec sleep 1000').line
    expect(() => createCgroup(`${group!.path}/below`, { pids: { limit: 3 } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_BUSY',
        message: expect.stringContaining('child group first'),
      }),
    )
    expect([read('pids.max'), read('cgroup.type')]).toEqual(['7', 'domain'])
    // without limits of its own the group needs no controller of the one above
    await using below = createCgroup(`${group!.path}/below`)
    expect(await runInside(below, 'exec true').end).toBe(0)
    expect(read('cgroup.subtree_control')).toBe('')
  })

  it('removes a group with sub-groups made by others', async () => {
    create({})
    mkdirSync(`${top}${group!.path}/inner/deeper`, { recursive: true })
    await group!.remove()
    expect(existsSync(top + group!.path)).toBe(false)
    expect(() => openCgroup(group!.path)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_NOT_FOUND' }))
  })

  it('takes over a group that somebody made, with the controllers that it needs', () => {
    const path = uniquePath()
    mkdirSync(top + path)
    try {
      group = createCgroup(path, { pids: { limit: 9 } }, { existing: 'use' })
      expect(read('pids.max')).toBe('9')
    } finally {
      if (!group) rmdirSync(top + path)
    }
  })
})

describeOn(['root', 'cgroup2'], 'update() on v2', () => {
  it('changes what is given and nothing else', () => {
    create({ cpu: { shares: 100, quota: 500_000, period: 1_000_000 }, pids: { limit: 20 } })
    const weight = read('cpu.weight')
    group!.update({ cpu: { period: 900_000 } })
    expect(read('cpu.max')).toBe('500000 900000')
    group!.update({ cpu: { quota: 'max' } })
    expect(read('cpu.max')).toBe('max 900000')
    group!.update({ pids: { limit: 'max' } })
    expect([read('pids.max'), read('cpu.weight')]).toEqual(['max', weight])
    group!.update({ cpu: { idle: true } })
    expect(read('cpu.idle')).toBe('1')
    group!.update({ cpu: { idle: false, shares: 1024 } })
    expect([read('cpu.idle'), read('cpu.weight')]).toEqual(['0', '100'])
  })

  it('moves burst with its quota, and memory with its swap', () => {
    create({ cpu: { quota: 50_000, burst: 20_000 }, memory: { limit: 32 * MiB, swap: 64 * MiB } })
    for (const [quota, burst] of [
      [10_000, 5000],
      [90_000, 80_000],
    ] as const) {
      group!.update({ cpu: { quota, burst } })
      expect([read('cpu.max'), read('cpu.max.burst')]).toEqual([`${quota} 100000`, String(burst)])
    }
    group!.update({ memory: { swap: 40 * MiB } })
    expect(read('memory.swap.max')).toBe(String(8 * MiB))
    group!.update({ memory: { limit: 'max', swap: 'max' } })
    expect([read('memory.max'), read('memory.swap.max')]).toEqual(['max', 'max'])
  })

  it('throttles a disk, and lets go again', () => {
    const limit = (rate: number | 'max') => ({
      blockIO: { throttleReadBpsDevice: [{ ...disk, rate }], throttleWriteIOPSDevice: [{ ...disk, rate }] },
    })
    create(limit(485_760))
    expect(read('io.max')).toBe('254:0 rbps=485760 wbps=max riops=max wiops=485760')
    group!.update(limit('max'))
    expect(read('io.max')).toBe('')
  })

  it('refuses to go below what is in use when told to look first', async () => {
    create({ memory: { limit: 64 * MiB } })
    expect(
      await runInside(group!, "x=$(head -c 6M /dev/zero | tr '\\0' x); echo up; sleep 1000; :").line,
    ).toBe('up')
    expect(() => group!.update({ memory: { limit: MiB, checkBeforeUpdate: true } })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_REFUSED' }),
    )
    expect(read('memory.max')).toBe(String(64 * MiB))
  })

  it('leads device rules over without a moment in which they are lost', async () => {
    create({ devices: defaultDeviceRules })
    expect(await runInside(group!, '(: </dev/zero) && ! (: </dev/kmsg) 2>/dev/null').end).toBe(0)
    group!.update({
      devices: [...defaultDeviceRules, { allow: false, type: 'c', major: 1, minor: 5, access: 'rw' }],
    })
    expect(await runInside(group!, '! (: </dev/zero) 2>/dev/null').end).toBe(0)
    expect(await runInside(group!, '(: </dev/null)').end).toBe(0)
  })
})

describeOn(['root', 'cgroup2'], 'a process on v2', () => {
  it('runs on the processors of its group', async () => {
    create({ cpu: { cpus: '1', mems: '0' } })
    const { pid, line } = runInside(group!, 'echo up; exec sleep 1000')
    await line
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t1$/m)
  })

  it('can be moved into a group, listed, frozen, thawed and killed', async () => {
    await using elsewhere = createCgroup(uniquePath())
    const inside = runInside(elsewhere, 'echo up; exec sleep 1000')
    await inside.line
    create({})
    group!.add(inside.pid)
    expect(group!.processes()).toEqual([inside.pid])
    await group!.freeze()
    expect([group!.isFrozen(), read('cgroup.freeze')]).toEqual([true, '1'])
    await group!.thaw()
    expect(group!.isFrozen()).toBe(false)
    await group!.freeze()
    await group!.kill()
    expect(await inside.end).toBe('SIGKILL')
  })
})
