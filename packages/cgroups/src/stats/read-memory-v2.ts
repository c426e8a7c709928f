import type { GroupFolder } from '../group/group.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { parseCounters } from './parse-counters.js'
import type { MemoryCounts, MemoryStats, SwapStats } from './memory-stats.js'
import { parsePressure } from './pressure.js'
import { amount, amountIfThere, limit, limitIfThere, need, type StatsSource } from './source.js'

/** Memory figures of a v2 group. */
export function readMemoryV2(source: StatsSource, home: GroupFolder): MemoryStats {
  const counters = parseCounters(need(source, home, 'memory.stat'))
  let all: MemoryStats['counters'] | undefined
  const given = (name: string): number | undefined => counters.get(name)
  const of = (name: string): number => given(name) ?? 0
  const events = parseFlatKeyed(need(source, home, 'memory.events'))
  return {
    usage: amount(source, home, 'memory.current'),
    peak: amountIfThere(source, home, 'memory.peak'),
    limit: limit(source, home, 'memory.max'),
    high: limitIfThere(source, home, 'memory.high'),
    swap: swap(source, home),
    memoryAndSwap: undefined,
    kernel: unlimited(given('kernel')),
    sockets: unlimited(given('sock')),
    breakdown: {
      anon: of('anon'),
      file: of('file'),
      shmem: of('shmem'),
      mapped: of('file_mapped'),
      dirty: of('file_dirty'),
      writeback: of('file_writeback'),
      inactiveFile: of('inactive_file'),
      activeFile: of('active_file'),
      inactiveAnon: of('inactive_anon'),
      activeAnon: of('active_anon'),
      unevictable: of('unevictable'),
      anonHuge: of('anon_thp'),
      slab: given('slab'),
      kernelStack: given('kernel_stack'),
      pageTables: given('pagetables'),
      pageFaults: of('pgfault'),
      majorPageFaults: of('pgmajfault'),
    },
    limitHits: events.get('max') ?? 0,
    highHits: events.get('high') ?? 0,
    ooms: events.get('oom') ?? 0,
    oomKills: events.get('oom_kill') ?? 0,
    isUnderOom: undefined,
    pressure: parsePressure(source.read(home, 'memory.pressure')),
    get counters() {
      return (all ??= counters.all())
    },
  }
}

function swap(source: StatsSource, home: GroupFolder): SwapStats | undefined {
  const usage = amountIfThere(source, home, 'memory.swap.current')
  if (usage === undefined) return undefined
  return {
    usage,
    peak: amountIfThere(source, home, 'memory.swap.peak'),
    limit: limit(source, home, 'memory.swap.max'),
  }
}

/** v2 counts it as a part of all memory, and limits only that. */
function unlimited(usage: number | undefined): MemoryCounts | undefined {
  return usage === undefined ? undefined : { usage, peak: undefined, limit: 'max', limitHits: 0 }
}
