import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import type { Group } from '../group/group.js'
import { readHugetlb } from './read-hugetlb.js'
import { readOomKills } from './read-memory.js'
import { readStats } from './read-stats.js'
import { onceSource } from './source.js'
import { StatsReader } from './stats-reader.js'

const some = { avg10: 1.5, avg60: 0.5, avg300: 0.25, totalUsec: 77 }
const pressure = 'some avg10=1.50 avg60=0.50 avg300=0.25 total=77\n'

const v2 = {
  'cgroup.controllers': 'cpu io memory pids rdma misc hugetlb\n',
  'cpu.stat':
    'usage_usec 900\nuser_usec 600\nsystem_usec 300\nnr_periods 9\nnr_throttled 4\nthrottled_usec 77\nnr_bursts 2\nburst_usec 8\n',
  'cpu.pressure': pressure,
  'memory.current': '8192\n',
  'memory.peak': '16384\n',
  'memory.max': '67108864\n',
  'memory.high': 'max\n',
  'memory.stat':
    'anon 4096\nfile 2048\nkernel 99\nsock 7\ninactive_file 1024\nslab 5\nkernel_stack 6\npagetables 4\npgfault 3\n',
  'memory.events': 'low 0\nhigh 1\nmax 5\noom 2\noom_kill 3\noom_group_kill 0\n',
  'memory.swap.current': '512\n',
  'memory.swap.max': 'max\n',
  'memory.swap.peak': '1024\n',
  'pids.current': '3\n',
  'pids.peak': '5\n',
  'pids.max': '64\n',
  'pids.events': 'max 6\n',
  'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0 \n',
  'rdma.current': 'mlx4_0 hca_handle=2 hca_object=2000\n',
  'rdma.max': 'mlx4_0 hca_handle=max hca_object=3000\n',
  'misc.current': 'sev 3\nsev_es 0\n',
  'misc.max': 'sev 10\nsev_es max\n',
  'misc.peak': 'sev 4\nsev_es 0\n',
  'misc.events': 'sev.max 1\nsev_es.max 0\n',
  'hugetlb.2MB.current': '2097152\n',
  'hugetlb.2MB.max': '4194304\n',
  'hugetlb.2MB.events': 'max 9\n',
  'hugetlb.2MB.rsvd.current': '4194304\n',
  'hugetlb.2MB.rsvd.max': 'max\n',
}

function groupOf(folder: string, version: 1 | 2, controllers: readonly string[]): Group {
  const mount = { version, controllers, name: undefined, mountpoint: folder, ownPath: '/' } as const
  return { path: '/x', folders: [{ mount, folder }] }
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text)
}

describe('readStats() of v2', () => {
  const all = ['cpu', 'memory', 'pids', 'io', 'rdma', 'misc', 'hugetlb']

  it('reads every figure from the files of one folder', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    write(folder.path, v2)
    const group = groupOf(folder.path, 2, all)
    const { hugetlb: _, ...stats } = readStats(group)
    expect(stats).toEqual({
      cpu: {
        usageUsec: 900,
        userUsec: 600,
        systemUsec: 300,
        perCpu: undefined,
        throttling: { periods: 9, throttledPeriods: 4, throttledUsec: 77, bursts: 2, burstUsec: 8 },
        pressure: { some, full: undefined },
      },
      memory: {
        usage: 8192,
        peak: 16384,
        limit: 67_108_864,
        high: 'max',
        swap: { usage: 512, peak: 1024, limit: 'max' },
        memoryAndSwap: undefined,
        kernel: { usage: 99, peak: undefined, limit: 'max', limitHits: 0 },
        sockets: { usage: 7, peak: undefined, limit: 'max', limitHits: 0 },
        breakdown: expect.objectContaining({
          anon: 4096,
          file: 2048,
          inactiveFile: 1024,
          slab: 5,
          kernelStack: 6,
          pageTables: 4,
          pageFaults: 3,
        }),
        limitHits: 5,
        highHits: 1,
        ooms: 2,
        oomKills: 3,
        isUnderOom: undefined,
        pressure: undefined,
        counters: expect.objectContaining({ anon: 4096, sock: 7 }),
      },
      pids: { current: 3, peak: 5, limit: 64, limitHits: 6 },
      io: {
        readBytes: 1,
        writeBytes: 2,
        readOps: 3,
        writeOps: 4,
        discardBytes: 5,
        discardOps: 6,
        devices: [expect.objectContaining({ major: 8, minor: 0, readBytes: 1, waitedFor: undefined })],
        pressure: undefined,
      },
      rdma: {
        mlx4_0: { hcaHandles: { current: 2, limit: 'max' }, hcaObjects: { current: 2000, limit: 3000 } },
      },
      misc: {
        sev: { current: 3, peak: 4, limit: 10, limitHits: 1 },
        sev_es: { current: 0, peak: 0, limit: 'max', limitHits: 0 },
      },
    })
    expect(readHugetlb(onceSource, group.folders[0]!, ['2MB', '1GB'])).toEqual({
      '2MB': {
        usage: 2_097_152,
        peak: undefined,
        limit: 4_194_304,
        limitHits: 9,
        reserved: { usage: 4_194_304, peak: undefined, limit: 'max', limitHits: 0 },
      },
    })
    expect(readOomKills(group)).toBe(3)
  })

  it('leaves out controllers that the group above does not hand on', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    write(folder.path, {
      'cgroup.controllers': 'pids\n',
      'cpu.stat': 'usage_usec 5\nuser_usec 3\nsystem_usec 2\n',
      'pids.current': '1\n',
      'pids.max': 'max\n',
    })
    const { cpu, memory, pids, io, hugetlb } = readStats(groupOf(folder.path, 2, all))
    expect(cpu).toMatchObject({ usageUsec: 5, throttling: undefined })
    expect(pids).toEqual({ current: 1, peak: undefined, limit: 'max', limitHits: 0 })
    expect([memory, io, hugetlb]).toEqual([undefined, undefined, undefined])
  })

  it('says so when the group is gone', () => {
    const group = groupOf('/nowhere/at/all', 2, all)
    expect(() => readStats(group)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_NOT_FOUND' }))
  })
})

describe('StatsReader', () => {
  it('sees new figures through the files that it keeps open', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    write(folder.path, v2)
    const group = groupOf(folder.path, 2, ['cpu', 'memory', 'pids', 'io'])
    using reader = new StatsReader(group)
    expect(reader.read()).toEqual(readStats(group))
    writeFileSync(`${folder.path}/memory.current`, '4096\n')
    expect(reader.read().memory?.usage).toBe(4096)
    reader.close()
    reader.close()
    expect(reader.read().memory?.usage).toBe(4096)
  })

  it('sees files that have become longer, shorter, and other than all files should be', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    write(folder.path, v2)
    const group = groupOf(folder.path, 2, ['cpu', 'memory', 'pids', 'io'])
    using reader = new StatsReader(group)
    reader.read()
    const many = Array.from({ length: 300 }, (_, index) => `counter_${index} ${index}\n`)
    for (const text of [`anon 1\n${many.join('')}`, `anon 2\n${many.slice(200).join('')}`, 'anon 3\n']) {
      writeFileSync(`${folder.path}/memory.stat`, text)
      expect(reader.read().memory).toEqual(readStats(group).memory)
      expect(reader.read()).toEqual(readStats(group))
    }
    writeFileSync(`${folder.path}/memory.current`, 'much\n')
    expect(() => reader.read()).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_PARSE' }))
    writeFileSync(`${folder.path}/memory.current`, '1\n')
    expect(reader.read().memory).toMatchObject({ usage: 1, counters: { anon: 3 } })
  })

  it('gives plain data, which stays as it is', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    write(folder.path, v2)
    using reader = new StatsReader(groupOf(folder.path, 2, ['memory']))
    reader.read()
    const stats = reader.read()
    writeFileSync(`${folder.path}/memory.stat`, 'anon 7\n')
    expect(reader.read().memory?.counters).toEqual({ anon: 7 })
    const { memory } = JSON.parse(JSON.stringify(stats)) as typeof stats
    expect(memory?.counters).toMatchObject({ anon: 4096, file: 2048 })
    expect(structuredClone(stats)).toEqual(stats)
  })
})

describe('readStats() of v1', () => {
  it('reads every figure from the files of each folder', () => {
    using top = temporaryFolder('ctr-cgroups-')
    const counts = (kind: string, usage: number, limit: string) => ({
      [`${kind}.usage_in_bytes`]: `${usage}\n`,
      [`${kind}.max_usage_in_bytes`]: `${usage * 2}\n`,
      [`${kind}.limit_in_bytes`]: `${limit}\n`,
      [`${kind}.failcnt`]: '3\n',
    })
    const none = '9223372036854771712'
    const hierarchies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      cpu: { 'cpu.stat': 'nr_periods 9\nnr_throttled 4\nthrottled_time 77500\nnr_bursts 0\nburst_time 0\n' },
      cpuacct: {
        'cpuacct.stat': 'user 6\nsystem 3\n',
        'cpuacct.usage_percpu': '60000500 30000000 \n',
        'cpuacct.usage_all': 'cpu user system\n0 40000000 20000000\n1 10000000 20000000\n',
      },
      memory: {
        'memory.stat': `cache 1\nrss 2\nhierarchical_memory_limit ${none}\ntotal_cache 10\ntotal_rss 20\ntotal_inactive_file 4\ntotal_pgfault 8\n`,
        'memory.oom_control': 'oom_kill_disable 1\nunder_oom 1\noom_kill 2\n',
        ...counts('memory', 100, '8192'),
        ...counts('memory.memsw', 150, '16384'),
        ...counts('memory.kmem', 30, none),
        ...counts('memory.kmem.tcp', 5, none),
      },
      pids: { 'pids.current': '3\n', 'pids.max': 'max\n', 'pids.events': 'max 6\n' },
      blkio: {
        'blkio.throttle.io_service_bytes_recursive':
          '8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\n8:0 Async 0\n8:0 Discard 4\n8:0 Total 7\nTotal 7\n',
        'blkio.throttle.io_serviced_recursive': '8:0 Read 5\n8:0 Write 6\nTotal 11\n',
        'blkio.bfq.io_service_bytes_recursive': '8:0 Read 99\n8:16 Read 10\nTotal 109\n',
        'blkio.bfq.io_serviced_recursive': '8:16 Read 1\nTotal 1\n',
      },
    }
    const folders = Object.entries(hierarchies).map(([name, files]) => {
      const folder = `${top.path}/${name}`
      write(folder, files)
      const mount = {
        version: 1,
        controllers: [name],
        name: undefined,
        mountpoint: folder,
        ownPath: '/',
      } as const
      return { mount, folder }
    })
    const { cpu, memory, pids, io } = readStats({ path: '/x', folders })
    expect(cpu).toEqual({
      usageUsec: 90_000.5,
      userUsec: 60_000,
      systemUsec: 30_000,
      perCpu: [
        { usageUsec: 60_000.5, userUsec: 40_000, systemUsec: 20_000 },
        { usageUsec: 30_000, userUsec: 10_000, systemUsec: 20_000 },
      ],
      throttling: { periods: 9, throttledPeriods: 4, throttledUsec: 77.5, bursts: 0, burstUsec: 0 },
      pressure: undefined,
    })
    expect(memory).toMatchObject({
      usage: 100,
      peak: 200,
      limit: 8192,
      swap: { usage: 50, limit: 8192 },
      memoryAndSwap: { usage: 150, peak: 300, limit: 16_384, limitHits: 3 },
      kernel: { usage: 30, limit: 'max' },
      sockets: { usage: 5, limit: 'max' },
      breakdown: { anon: 20, file: 10, inactiveFile: 4, pageFaults: 8, slab: undefined },
      limitHits: 6,
      oomKills: 2,
      isUnderOom: true,
      counters: { cache: 1, hierarchical_memory_limit: 'max' },
    })
    expect(pids).toEqual({ current: 3, peak: undefined, limit: 'max', limitHits: 6 })
    expect(io).toMatchObject({ readBytes: 11, writeBytes: 2, discardBytes: 4, readOps: 6, writeOps: 6 })
    expect(io?.devices[0]?.waitedFor).toEqual({ syncBytes: 3, asyncBytes: 0, syncOps: 0, asyncOps: 0 })
    expect(io?.devices.map(({ minor, readBytes }) => [minor, readBytes])).toEqual([
      [0, 1],
      [16, 10],
    ])
  })
})
