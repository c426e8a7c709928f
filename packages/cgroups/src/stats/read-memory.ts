import { folderWith, type Group, type GroupFolder } from '../group/group.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { parseCounters } from './parse-counters.js'
import type { MemoryCounts, MemoryStats } from './memory-stats.js'
import { amount, amountIfThere, limit, need, onceSource, type StatsSource } from './source.js'

/** Memory figures of a v1 group. */
export function readMemoryV1(source: StatsSource, home: GroupFolder): MemoryStats {
  const counters = parseCounters(need(source, home, 'memory.stat'))
  // those that begin with total_ include the groups below
  const of = (name: string): number => counters.get(`total_${name}`) ?? counters.get(name) ?? 0
  const oom = parseFlatKeyed(need(source, home, 'memory.oom_control'))
  const memory = countsV1(source, home, files.memory)!
  const memoryAndSwap = countsV1(source, home, files.memoryAndSwap)
  let all: MemoryStats['counters'] | undefined
  return {
    usage: memory.usage,
    peak: memory.peak,
    limit: memory.limit,
    high: undefined,
    swap: memoryAndSwap && swapOf(memory, memoryAndSwap),
    memoryAndSwap,
    kernel: countsV1(source, home, files.kernel),
    sockets: countsV1(source, home, files.sockets),
    breakdown: {
      anon: of('rss'),
      file: of('cache'),
      shmem: of('shmem'),
      mapped: of('mapped_file'),
      dirty: of('dirty'),
      writeback: of('writeback'),
      inactiveFile: of('inactive_file'),
      activeFile: of('active_file'),
      inactiveAnon: of('inactive_anon'),
      activeAnon: of('active_anon'),
      unevictable: of('unevictable'),
      anonHuge: of('rss_huge'),
      slab: undefined,
      kernelStack: undefined,
      pageTables: undefined,
      pageFaults: of('pgfault'),
      majorPageFaults: of('pgmajfault'),
    },
    // with no swap allowed, it is the limit of both that is hit, never that of memory
    limitHits: memory.limitHits + (memoryAndSwap?.limitHits ?? 0),
    highHits: undefined,
    ooms: undefined,
    oomKills: oom.get('oom_kill') ?? 0,
    isUnderOom: oom.get('under_oom') === 1,
    pressure: undefined,
    get counters() {
      return (all ??= counters.all())
    },
  }
}

/** The four files that v1 has of each kind of memory. */
function filesOf(kind: string): { readonly [Key in keyof MemoryCounts]-?: string } {
  return {
    usage: `${kind}.usage_in_bytes`,
    peak: `${kind}.max_usage_in_bytes`,
    limit: `${kind}.limit_in_bytes`,
    limitHits: `${kind}.failcnt`,
  }
}
const files = {
  memory: filesOf('memory'),
  memoryAndSwap: filesOf('memory.memsw'),
  kernel: filesOf('memory.kmem'),
  sockets: filesOf('memory.kmem.tcp'),
}

/** A kind of memory; `undefined` when this kernel does not count it. */
function countsV1(
  source: StatsSource,
  home: GroupFolder,
  kind: ReturnType<typeof filesOf>,
): MemoryCounts | undefined {
  const usage =
    kind === files.memory ? amount(source, home, kind.usage) : amountIfThere(source, home, kind.usage)
  if (usage === undefined) return undefined
  return {
    usage,
    peak: amount(source, home, kind.peak),
    limit: limit(source, home, kind.limit),
    limitHits: amount(source, home, kind.limitHits),
  }
}

/** v1 counts memory and swap together; swap alone is the difference. */
function swapOf(memory: MemoryCounts, both: MemoryCounts): MemoryStats['swap'] {
  return {
    usage: Math.max(0, both.usage - memory.usage), // read one after the other: never below 0
    peak: undefined,
    limit:
      both.limit === 'max' || memory.limit === 'max' ? both.limit : Math.max(0, both.limit - memory.limit),
  }
}

/** Only the number of OOM kills: one file; see `Cgroup.oomKills`. */
export function readOomKills(group: Group): number {
  const home = folderWith(group, 'memory')
  if (!home) return 0
  const file = home.mount.version === 1 ? 'memory.oom_control' : 'memory.events'
  return parseFlatKeyed(onceSource.read(home, file) ?? '').get('oom_kill') ?? 0
}
