import {
  type BlkioEntry,
  type BlkioFigures,
  type ContainerStats,
  type CpuFigures,
  type MemoryEntry,
  type MemoryFigures,
  type PressureFigures,
  type PressureLine,
  unlessEmpty,
  unlessZero,
} from './container-stats.js'
import { hugetlbOf } from './hugetlb.js'
import { nanoseconds, parseCount, parseKeyed, plus, readCount, readText } from './read.js'

/** v1's figures of `cpuset` have nothing like them on v2: all are 0. */
const cpuset = {
  cpu_exclusive: 0,
  mem_hardwall: 0,
  mem_exclusive: 0,
  memory_migrate: 0,
  memory_spread_page: 0,
  memory_spread_slab: 0,
  memory_pressure: 0,
  sched_load_balance: 0,
  sched_relax_domain_level: 0,
}
const none: MemoryEntry = { limit: 0, failcnt: 0 }

/** Statistics of a container on v2, from its one folder. */
export function statsV2(folder: string): ContainerStats {
  const limit = readText(folder, 'pids.max')?.trim() ?? 'max'
  return {
    cpu: cpu(folder),
    cpuset,
    memory: memory(folder),
    pids: {
      current: unlessZero(readCount(folder, 'pids.current')),
      limit: limit === 'max' ? undefined : unlessZero(parseCount(limit)),
    },
    blkio: blkio(folder),
    hugetlb: hugetlbOf(folder, { usage: 'current' }),
    intel_rdt: {},
    network_interfaces: null,
  }
}

function cpu(folder: string): CpuFigures {
  const stat = parseKeyed(readText(folder, 'cpu.stat'))
  return {
    usage: {
      total: unlessZero(nanoseconds(stat.get('usage_usec'))),
      kernel: nanoseconds(stat.get('system_usec')),
      user: nanoseconds(stat.get('user_usec')),
    },
    throttling: {
      periods: unlessZero(stat.get('nr_periods')),
      throttledPeriods: unlessZero(stat.get('nr_throttled')),
      throttledTime: unlessZero(nanoseconds(stat.get('throttled_usec'))),
    },
    psi: pressure(folder, 'cpu'),
  }
}

function memory(folder: string): MemoryFigures {
  const raw = parseKeyed(readText(folder, 'memory.stat'))
  const of = (name: string) => ({
    limit: readCount(folder, `${name}.max`),
    usage: readCount(folder, `${name}.current`),
    max: readCount(folder, `${name}.peak`),
  })
  const [used, swapped] = [of('memory'), of('memory.swap')]
  const both = typeof swapped.limit === 'bigint' ? swapped.limit : plus(swapped.limit, used.limit)
  return {
    cache: unlessZero(raw.get('file')),
    usage: { limit: used.limit, usage: unlessZero(used.usage), max: unlessZero(used.max), failcnt: 0 },
    swap: { limit: both, usage: unlessZero(plus(swapped.usage, used.usage)), failcnt: 0 },
    kernel: none,
    kernelTCP: none,
    raw: raw.size === 0 ? undefined : Object.fromEntries(raw),
    psi: pressure(folder, 'memory'),
  }
}

function blkio(folder: string): BlkioFigures {
  const of = (keys: Readonly<Record<string, string>>): BlkioEntry[] =>
    [...(readText(folder, 'io.stat') ?? '').matchAll(/^(\d+):(\d+) (.*)$/gm)].flatMap(
      ([, major, minor, rest]) =>
        rest!.split(' ').flatMap((item) => {
          const [key, value] = item.split('=')
          const op = key === undefined ? undefined : keys[key]
          if (op === undefined || value === undefined) return []
          return [
            {
              major: unlessZero(parseCount(major!)),
              minor: unlessZero(parseCount(minor!)),
              op,
              value: unlessZero(parseCount(value)),
            },
          ]
        }),
    )
  return {
    ioServiceBytesRecursive: unlessEmpty(of({ rbytes: 'Read', wbytes: 'Write' })),
    ioServicedRecursive: unlessEmpty(of({ rios: 'Read', wios: 'Write' })),
    psi: pressure(folder, 'io'),
  }
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and a line for `full`. */
function pressure(folder: string, name: string): PressureFigures | undefined {
  const text = readText(folder, `${name}.pressure`)
  if (text === undefined) return undefined
  const line = (kind: string): PressureLine => {
    const words = new RegExp(
      `^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+) total=(\\d+)`,
      'm',
    ).exec(text)
    const [, avg10 = 0, avg60 = 0, avg300 = 0, total = '0'] = words ?? []
    return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: parseCount(total) }
  }
  return { some: line('some'), full: line('full') }
}
