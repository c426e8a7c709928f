import type { GroupFolder } from '../group/group.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { parsePressure } from './pressure.js'
import { need, type StatsSource } from './source.js'
import type { CpuStats, PerCpuStats, ThrottlingStats } from './stats.js'
import { endOfLine, wholeNumber } from './whole-number.js'

/** Microseconds of the clock ticks that v1 counts in (`USER_HZ`). */
const USEC_A_TICK = 10_000
const NSEC_A_USEC = 1000

/** Where processor time is counted. */
export interface CpuHomes {
  readonly cpu: GroupFolder | undefined
  readonly cpuacct: GroupFolder | undefined
  /** Any group of v2 counts time, the `cpu` controller adds the throttling. */
  readonly unified: GroupFolder | undefined
}

export function readCpu(source: StatsSource, { cpu, cpuacct, unified }: CpuHomes): CpuStats | undefined {
  const quota = cpu && parseFlatKeyed(need(source, cpu, 'cpu.stat'))
  const throttling = quota && throttlingOf(quota, cpu.mount.version)
  if (cpuacct) return { ...timesV1(source, cpuacct), throttling, pressure: undefined }
  if (!unified) return undefined
  const stat = cpu === unified ? quota! : parseFlatKeyed(need(source, unified, 'cpu.stat'))
  return {
    usageUsec: stat.get('usage_usec') ?? 0,
    userUsec: stat.get('user_usec') ?? 0,
    systemUsec: stat.get('system_usec') ?? 0,
    perCpu: undefined,
    throttling,
    pressure: parsePressure(source.read(unified, 'cpu.pressure')),
  }
}

function timesV1(
  source: StatsSource,
  home: GroupFolder,
): Pick<CpuStats, 'usageUsec' | 'userUsec' | 'systemUsec' | 'perCpu'> {
  const ticks = parseFlatKeyed(need(source, home, 'cpuacct.stat'))
  const totals = numbersIn(need(source, home, 'cpuacct.usage_percpu'))
  // a header, then processor, user and system; only those that can ever be there
  const all = source.read(home, 'cpuacct.usage_all') ?? ''
  const modes = numbersIn(all.slice(endOfLine(all, 0)))
  return {
    // what cpuacct.usage does as well
    usageUsec: totals.reduce((sum, total) => sum + total, 0) / NSEC_A_USEC,
    userUsec: (ticks.get('user') ?? 0) * USEC_A_TICK,
    systemUsec: (ticks.get('system') ?? 0) * USEC_A_TICK,
    perCpu: totals.map((total, index): PerCpuStats => ({
      usageUsec: total / NSEC_A_USEC,
      userUsec: (modes[index * 3 + 1] ?? 0) / NSEC_A_USEC,
      systemUsec: (modes[index * 3 + 2] ?? 0) / NSEC_A_USEC,
    })),
  }
}

/** All whole numbers, between spaces and line breaks. */
function numbersIn(text: string): number[] {
  const found: number[] = []
  for (let start = 0; start < text.length;) {
    const code = text.charCodeAt(start)
    let end = start + 1
    if (code !== SPACE && code !== LINE_BREAK) {
      while (end < text.length && text.charCodeAt(end) > SPACE) end++
      found.push(wholeNumber(text, start, end))
    }
    start = end
  }
  return found
}
const [SPACE, LINE_BREAK] = [0x20, 0x0a]

/** v1 says `_time` in nanoseconds, v2 `_usec`. */
function throttlingOf(stat: ReadonlyMap<string, number>, version: 1 | 2): ThrottlingStats {
  const usec = (name: string): number | undefined => {
    const time = stat.get(version === 1 ? `${name}_time` : `${name}_usec`)
    return time === undefined ? undefined : version === 1 ? time / NSEC_A_USEC : time
  }
  return {
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledUsec: usec('throttled') ?? 0,
    bursts: stat.get('nr_bursts'),
    burstUsec: usec('burst'),
  }
}
