import type { GroupFolder } from '../group/group.js'
import { parseAmount, parseLimit } from './parse-amount.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { amount, amountIfThere, limit, need, type StatsSource } from './source.js'
import type { CountStats, MiscStats, PidsStats, RdmaStats } from './stats.js'

/** Figures of `pids`. */
export function readPids(source: StatsSource, home: GroupFolder): PidsStats {
  return {
    current: amount(source, home, 'pids.current'),
    peak: amountIfThere(source, home, 'pids.peak'),
    limit: limit(source, home, 'pids.max'),
    limitHits: parseFlatKeyed(source.read(home, 'pids.events') ?? '').get('max') ?? 0,
  }
}

/** Figures of `rdma`: `mlx4_0 hca_handle=2 hca_object=2000` a line. */
export function readRdma(source: StatsSource, home: GroupFolder): Record<string, RdmaStats> {
  const current = byDevice(source.read(home, 'rdma.current') ?? '')
  const limits = byDevice(source.read(home, 'rdma.max') ?? '')
  const found: Record<string, RdmaStats> = {}
  for (const device of new Set([...current.keys(), ...limits.keys()])) {
    const of = (key: string): CountStats => ({
      current: parseAmount(current.get(device)?.get(key) ?? '0', 'rdma.current'),
      limit: parseLimit(limits.get(device)?.get(key) ?? 'max', 'rdma.max'),
    })
    found[device] = { hcaHandles: of('hca_handle'), hcaObjects: of('hca_object') }
  }
  return found
}

function byDevice(text: string): Map<string, Map<string, string>> {
  return new Map(
    [...text.matchAll(/^(\S+) (.+)$/gm)].map(([, device, rest]) => [
      device!,
      new Map(rest!.split(' ').map((pair) => pair.split('=') as [string, string])),
    ]),
  )
}

/** Figures of `misc`: `sev 3` a line. */
export function readMisc(source: StatsSource, home: GroupFolder): Record<string, MiscStats> {
  const [peaks, events] = ['misc.peak', 'misc.events'].map((file) => source.read(home, file))
  const peak = parseFlatKeyed(peaks ?? '')
  const hits = parseFlatKeyed(events ?? '')
  const limits = new Map(
    [...(source.read(home, 'misc.max') ?? '').matchAll(/^(\S+) (\S+)$/gm)].map(([, name, value]) => [
      name,
      value!,
    ]),
  )
  return Object.fromEntries(
    [...parseFlatKeyed(need(source, home, 'misc.current'))].map(([name, current]): [string, MiscStats] => [
      name,
      {
        current,
        peak: peak.get(name),
        limit: parseLimit(limits.get(name) ?? 'max', 'misc.max'),
        limitHits: hits.get(`${name}.max`),
      },
    ]),
  )
}
