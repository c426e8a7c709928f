import { parseCpuList, type Cgroup } from '@ctr/cgroups'
import {
  type BlkioEntry,
  type BlkioFigures,
  type ContainerStats,
  type CpuFigures,
  type MemoryEntry,
  type MemoryFigures,
  unlessEmpty,
  unlessZero,
} from './container-stats.js'
import { hugetlbOf } from './hugetlb.js'
import { parseCount, parseKeyed, readCount, readText, times, type Count } from './read.js'

/** v1 counts user and system time in these, and tells in nanoseconds otherwise. */
const NANOSECONDS_A_TICK = 10_000_000

/** Files of `cpuset` that hold a number, by their names in statistics. */
const cpusetNumbers = {
  cpu_exclusive: 'cpuset.cpu_exclusive',
  mem_hardwall: 'cpuset.mem_hardwall',
  mem_exclusive: 'cpuset.mem_exclusive',
  memory_migrate: 'cpuset.memory_migrate',
  memory_spread_page: 'cpuset.memory_spread_page',
  memory_spread_slab: 'cpuset.memory_spread_slab',
  memory_pressure: 'cpuset.memory_pressure',
  sched_load_balance: 'cpuset.sched_load_balance',
  sched_relax_domain_level: 'cpuset.sched_relax_domain_level',
} as const

/** Statistics of a container whose controllers are on v1. */
export function statsV1(cgroup: Cgroup): ContainerStats {
  return {
    cpu: cpu(cgroup.folder('cpu'), cgroup.folder('cpuacct')),
    cpuset: cpuset(cgroup.folder('cpuset')),
    memory: memory(cgroup.folder('memory')),
    pids: pids(cgroup.folder('pids')),
    blkio: blkio(cgroup.folder('blkio')),
    hugetlb: hugetlbOf(cgroup.folder('hugetlb'), { usage: 'usage_in_bytes', max: 'max_usage_in_bytes' }),
    intel_rdt: {},
    network_interfaces: null,
  }
}

function cpu(folder: string | undefined, account: string | undefined): CpuFigures {
  const stat = parseKeyed(folder && readText(folder, 'cpu.stat'))
  const ticks = parseKeyed(account && readText(account, 'cpuacct.stat'))
  const words = (file: string) => (account === undefined ? '' : (readText(account, file) ?? '')).trim()
  // a header, then processor, user and system
  const modes = words('cpuacct.usage_all')
    .split('\n')
    .slice(1)
    .map((line) => line.split(' '))
  return {
    usage: {
      total: account === undefined ? undefined : unlessZero(readCount(account, 'cpuacct.usage')),
      percpu: unlessEmpty(words('cpuacct.usage_percpu').split(' ').filter(Boolean).map(parseCount)),
      percpu_kernel: unlessEmpty(modes.map(([, , system]) => parseCount(system ?? ''))),
      percpu_user: unlessEmpty(modes.map(([, user]) => parseCount(user ?? ''))),
      kernel: times(ticks.get('system') ?? 0, NANOSECONDS_A_TICK),
      user: times(ticks.get('user') ?? 0, NANOSECONDS_A_TICK),
    },
    throttling: {
      periods: unlessZero(stat.get('nr_periods')),
      throttledPeriods: unlessZero(stat.get('nr_throttled')),
      throttledTime: unlessZero(stat.get('throttled_time')),
    },
  }
}

function cpuset(folder: string | undefined): ContainerStats['cpuset'] {
  const numbers = Object.entries(cpusetNumbers).map(([name, file]) => {
    const text = folder === undefined ? undefined : readText(folder, file)?.trim()
    return [name, text === '-1' ? -1 : parseCount(text ?? '')] as const
  })
  const list = (file: string) =>
    folder === undefined ? undefined : unlessEmpty(parseCpuList(readText(folder, file) ?? ''))
  const { cpu_exclusive, ...others } = Object.fromEntries(numbers) as Record<string, Count>
  return {
    ...given('cpus', list('cpuset.cpus')),
    cpu_exclusive: cpu_exclusive ?? 0,
    ...given('mems', list('cpuset.mems')),
    ...others,
  }
}

function memory(folder: string | undefined): MemoryFigures {
  const raw = parseKeyed(folder && readText(folder, 'memory.stat'))
  const entry = (name: string): MemoryEntry => {
    const of = (file: string) => (folder === undefined ? 0 : readCount(folder, `${name}.${file}`))
    return {
      limit: of('limit_in_bytes'),
      usage: unlessZero(of('usage_in_bytes')),
      max: unlessZero(of('max_usage_in_bytes')),
      failcnt: of('failcnt'),
    }
  }
  return {
    cache: unlessZero(raw.get('cache')),
    usage: entry('memory'),
    swap: entry('memory.memsw'),
    kernel: entry('memory.kmem'),
    kernelTCP: entry('memory.kmem.tcp'),
    raw: raw.size === 0 ? undefined : Object.fromEntries(raw),
  }
}

function pids(folder: string | undefined): ContainerStats['pids'] {
  if (folder === undefined) return {}
  const limit = readText(folder, 'pids.max')?.trim() ?? 'max'
  return {
    current: unlessZero(readCount(folder, 'pids.current')),
    limit: limit === 'max' ? undefined : unlessZero(parseCount(limit)),
  }
}

/** What the scheduler counts; where it does not, what the throttling counts. */
function blkio(folder: string | undefined): BlkioFigures {
  if (folder === undefined) return {}
  for (const prefix of ['blkio.bfq', 'blkio.throttle']) {
    const served = readText(folder, `${prefix}.io_serviced_recursive`)
    const bytes = readText(folder, `${prefix}.io_service_bytes_recursive`)
    const entries = parseBlkio(bytes ?? '')
    if (served === undefined || entries.length === 0) continue
    return { ioServiceBytesRecursive: entries, ioServicedRecursive: unlessEmpty(parseBlkio(served)) }
  }
  return {}
}

function parseBlkio(text: string): BlkioEntry[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) => ({
    major: unlessZero(parseCount(major!)),
    minor: unlessZero(parseCount(minor!)),
    op,
    value: unlessZero(parseCount(value!)),
  }))
}

function given<T>(name: string, value: T | undefined): Readonly<Record<string, T>> {
  return value === undefined ? {} : { [name]: value }
}
