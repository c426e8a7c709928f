import type {
  Cgroup,
  CgroupStats,
  CpuStats,
  Cpuset,
  HugetlbStats,
  IoDeviceStats,
  MemoryCounts,
  MemoryStats,
  Pressure,
  PressureFigures,
} from '@ctr/cgroups'
import {
  type BlkioEntry,
  type BlkioFigures,
  type ContainerStats,
  type Count,
  type CpuFigures,
  type HugetlbFigures,
  type MemoryEntry,
  type MemoryFigures,
  type PressureFigures as PressurePair,
  type PressureLine,
  unlessEmpty,
  unlessZero,
} from './container-stats.js'

/** What kernels write for "no limit": v1 the most pages that it can count, in bytes, and v2 `max`. */
const UNLIMITED = { v1: 2n ** 63n - 4096n, v2: 2n ** 64n - 1n } as const
type Version = keyof typeof UNLIMITED

/**
 * A container's statistics: what `@ctr/cgroups` reads, in the words that engines expect of an OCI runtime. On a hybrid
 * host controllers count where they are, which is v1 for those that matter. Print them with `eventText`: some numbers
 * are larger than JSON.stringify() can say.
 */
export function containerStats(cgroup: Cgroup): ContainerStats {
  const version = cgroup.hierarchy.mode === 'v2' ? 'v2' : 'v1'
  return statsOf(cgroup.stats(), version, version === 'v1' ? cgroup.cpuset() : undefined)
}

/** {@link containerStats} of figures that were read. Pure. */
export function statsOf(stats: CgroupStats, version: Version, cpuset: Cpuset | undefined): ContainerStats {
  return {
    cpu: cpuOf(stats.cpu),
    cpuset: cpusetOf(cpuset),
    memory: memoryOf(stats.memory, version),
    pids: pidsOf(stats.pids),
    blkio: blkioOf(stats.io),
    hugetlb: hugetlbOf(stats.hugetlb ?? {}),
    intel_rdt: {},
    network_interfaces: null,
  }
}

function cpuOf(cpu: CpuStats | undefined): CpuFigures {
  const processors = cpu?.perCpu ?? []
  return {
    usage: {
      total: unlessZero(nanoseconds(cpu?.usageUsec)),
      percpu: unlessEmpty(processors.map(({ usageUsec }) => nanoseconds(usageUsec))),
      percpu_kernel: unlessEmpty(processors.map(({ systemUsec }) => nanoseconds(systemUsec))),
      percpu_user: unlessEmpty(processors.map(({ userUsec }) => nanoseconds(userUsec))),
      kernel: nanoseconds(cpu?.systemUsec),
      user: nanoseconds(cpu?.userUsec),
    },
    throttling: {
      periods: unlessZero(cpu?.throttling?.periods),
      throttledPeriods: unlessZero(cpu?.throttling?.throttledPeriods),
      throttledTime: unlessZero(nanoseconds(cpu?.throttling?.throttledUsec)),
    },
    psi: pressureOf(cpu?.pressure),
  }
}

/** v1's switches of `cpuset`, in the order of the statistics. v2 has nothing like them: all are 0. */
function cpusetOf(cpuset: Cpuset | undefined): ContainerStats['cpuset'] {
  const flag = (name: string): number => cpuset?.flags?.[name] ?? 0
  const { cpus = [], mems = [] } = cpuset ?? {}
  return {
    ...(cpus.length > 0 && { cpus }),
    cpu_exclusive: flag('cpu_exclusive'),
    ...(mems.length > 0 && { mems }),
    mem_hardwall: flag('mem_hardwall'),
    mem_exclusive: flag('mem_exclusive'),
    memory_migrate: flag('memory_migrate'),
    memory_spread_page: flag('memory_spread_page'),
    memory_spread_slab: flag('memory_spread_slab'),
    memory_pressure: flag('memory_pressure'),
    sched_load_balance: flag('sched_load_balance'),
    sched_relax_domain_level: flag('sched_relax_domain_level'),
  }
}

function memoryOf(memory: MemoryStats | undefined, version: Version): MemoryFigures {
  const none: MemoryEntry = { limit: 0, failcnt: 0 }
  if (memory === undefined) return { usage: none, swap: none, kernel: none, kernelTCP: none }
  const entry = (counts: MemoryCounts | undefined): MemoryEntry =>
    counts === undefined
      ? none
      : {
          limit: limitOf(counts.limit, version),
          usage: unlessZero(counts.usage),
          max: unlessZero(counts.peak),
          failcnt: counts.limitHits,
        }
  const common = {
    cache: unlessZero(memory.breakdown.file),
    raw: Object.fromEntries(
      Object.entries(memory.counters).map(([name, value]) => [name, limitOf(value, version)]),
    ),
    psi: pressureOf(memory.pressure),
  }
  if (version === 'v1')
    return {
      ...common,
      cache: unlessZero(limitOf(memory.counters['cache'] ?? 0, version)), // of the container itself, as it has always been
      usage: entry({ ...memory, limitHits: hitsOfMemory(memory) }),
      swap: entry(memory.memoryAndSwap),
      kernel: entry(memory.kernel),
      kernelTCP: entry(memory.sockets),
    }
  const { usage, peak, limit, swap } = memory
  const both = limit === 'max' || swap === undefined || swap.limit === 'max' ? 'max' : limit + swap.limit
  return {
    ...common,
    usage: {
      limit: limitOf(limit, version),
      usage: unlessZero(usage),
      max: unlessZero(peak),
      failcnt: 0,
    },
    swap: {
      limit: swap === undefined ? limitOf(limit, version) : limitOf(both, version),
      usage: unlessZero(usage + (swap?.usage ?? 0)),
      failcnt: 0,
    },
    kernel: none,
    kernelTCP: none,
  }
}

/** Without those of memory and swap together, which are told apart here. */
function hitsOfMemory({ limitHits, memoryAndSwap }: MemoryStats): number {
  return limitHits - (memoryAndSwap?.limitHits ?? 0)
}

function pidsOf(pids: CgroupStats['pids']): ContainerStats['pids'] {
  if (pids === undefined) return {}
  return {
    current: unlessZero(pids.current),
    limit: pids.limit === 'max' ? undefined : unlessZero(pids.limit),
  }
}

function blkioOf(io: CgroupStats['io']): BlkioFigures {
  const entries = (
    pick: (device: IoDeviceStats) => Readonly<Record<string, number | undefined>>,
  ): readonly BlkioEntry[] | undefined =>
    unlessEmpty(
      (io?.devices ?? []).flatMap((device) =>
        Object.entries(pick(device)).flatMap(([op, value]): BlkioEntry[] =>
          value === undefined
            ? []
            : [
                {
                  major: unlessZero(device.major),
                  minor: unlessZero(device.minor),
                  op,
                  value: unlessZero(value),
                },
              ],
        ),
      ),
    )
  return {
    ioServiceBytesRecursive: entries(({ readBytes, writeBytes, discardBytes, waitedFor }) => ({
      Read: readBytes,
      Write: writeBytes,
      // the rest is what v1 has
      ...(waitedFor && {
        Sync: waitedFor.syncBytes,
        Async: waitedFor.asyncBytes,
        Discard: discardBytes,
        Total: readBytes + writeBytes + discardBytes,
      }),
    })),
    ioServicedRecursive: entries(({ readOps, writeOps, discardOps, waitedFor }) => ({
      Read: readOps,
      Write: writeOps,
      ...(waitedFor && {
        Sync: waitedFor.syncOps,
        Async: waitedFor.asyncOps,
        Discard: discardOps,
        Total: readOps + writeOps + discardOps,
      }),
    })),
    psi: pressureOf(io?.pressure),
  }
}

/** Those reserved, where the kernel counts them: they include those in use. */
function hugetlbOf(sizes: Readonly<Record<string, HugetlbStats>>): Readonly<Record<string, HugetlbFigures>> {
  return Object.fromEntries(
    Object.entries(sizes).map(([size, stats]): [string, HugetlbFigures] => {
      const { usage, peak } = stats.reserved ?? stats
      return [
        size,
        {
          usage: unlessZero(usage),
          max: unlessZero(peak),
          failcnt: stats.reserved?.limitHits || stats.limitHits,
        },
      ]
    }),
  )
}

function pressureOf(pressure: Pressure | undefined): PressurePair | undefined {
  if (pressure === undefined) return undefined
  const line = (figures: PressureFigures | undefined): PressureLine => ({
    avg10: figures?.avg10 ?? 0,
    avg60: figures?.avg60 ?? 0,
    avg300: figures?.avg300 ?? 0,
    total: figures?.totalUsec ?? 0,
  })
  return { some: line(pressure.some), full: line(pressure.full) }
}

function limitOf(limit: number | 'max', version: Version): Count {
  return limit === 'max' ? UNLIMITED[version] : limit
}

function nanoseconds(usec = 0): number {
  return Math.round(usec * 1000)
}
