import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Container } from '@ctr/runtime'

type Figures = ReturnType<Container['stats']>

/** Figures of a container at one moment, in Docker's words. */
export interface StatsReading {
  readonly at: string
  readonly figures: Figures | undefined
  /** Time of all processors of the host, in nanoseconds. */
  readonly systemNs: number
}

/** Reads the figures of a container; none of one that does not run. */
export function readStats(container: Container): StatsReading {
  let figures: Figures | undefined
  try {
    figures = container.stats()
  } catch {
    figures = undefined // it has just ended
  }
  return { at: new Date().toISOString(), figures, systemNs: systemTime() }
}

/** The document of `GET /containers/{id}/stats`. */
export function statsDocument(
  { id, name }: { readonly id: string; readonly name: string },
  now: StatsReading,
  before: StatsReading | undefined,
): Record<string, unknown> {
  const { figures } = now
  return {
    id,
    name: `/${name}`,
    read: now.at,
    preread: before?.at ?? '0001-01-01T00:00:00Z',
    num_procs: 0,
    pids_stats:
      figures?.pids === undefined
        ? {}
        : { current: figures.pids.current, limit: numberOf(figures.pids.limit) },
    cpu_stats: figures === undefined ? {} : cpuStats(now),
    precpu_stats: before?.figures === undefined ? {} : cpuStats(before),
    memory_stats: figures === undefined ? {} : memoryStats(figures),
    blkio_stats: { io_service_bytes_recursive: ioBytes(figures), io_serviced_recursive: null },
    storage_stats: {},
    networks: figures === undefined ? undefined : networkStats(figures),
  }
}

function cpuStats({ figures, systemNs }: StatsReading): Record<string, unknown> {
  const { cpu } = figures!
  return {
    cpu_usage: {
      total_usage: Math.round((cpu?.usageUsec ?? 0) * 1000),
      percpu_usage: cpu?.perCpu?.map(({ usageUsec }) => Math.round(usageUsec * 1000)),
      usage_in_kernelmode: Math.round((cpu?.systemUsec ?? 0) * 1000),
      usage_in_usermode: Math.round((cpu?.userUsec ?? 0) * 1000),
    },
    system_cpu_usage: systemNs,
    online_cpus: cpus().length,
    throttling_data: {
      periods: cpu?.throttling?.periods ?? 0,
      throttled_periods: cpu?.throttling?.throttledPeriods ?? 0,
      throttled_time: Math.round((cpu?.throttling?.throttledUsec ?? 0) * 1000),
    },
  }
}

function memoryStats({ memory }: Figures): Record<string, unknown> {
  if (memory === undefined) return {}
  const { inactiveFile } = memory.breakdown as { readonly inactiveFile?: number }
  return {
    usage: memory.usage,
    max_usage: memory.peak,
    limit: memory.limit === 'max' ? hostMemory() : memory.limit,
    // clients take this from the usage, as the kernel gives it back when somebody needs it
    stats: { total_inactive_file: inactiveFile ?? 0, inactive_file: inactiveFile ?? 0 },
  }
}

function ioBytes(figures: Figures | undefined): readonly object[] {
  return (figures?.io?.devices ?? []).flatMap(({ major, minor, readBytes, writeBytes }) => [
    { major, minor, op: 'read', value: readBytes },
    { major, minor, op: 'write', value: writeBytes },
  ])
}

/** Figures of its interfaces; none of one that does not run, or uses those of the host. */
function networkStats({ networks }: Figures): Record<string, object> | undefined {
  if (networks === undefined) return undefined
  const links = Object.entries(networks).map(([name, stats]): [string, object] => [
    name,
    {
      rx_bytes: stats.rxBytes,
      rx_packets: stats.rxPackets,
      rx_errors: stats.rxErrors,
      rx_dropped: stats.rxDropped,
      tx_bytes: stats.txBytes,
      tx_packets: stats.txPackets,
      tx_errors: stats.txErrors,
      tx_dropped: stats.txDropped,
    },
  ])
  return Object.fromEntries(links)
}

function numberOf(limit: number | 'max'): number {
  return limit === 'max' ? 0 : limit
}

function hostMemory(): number {
  return Number(/^MemTotal:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024
}

const tickNs = 10_000_000

/** Sum of the first seven columns of the first line of `/proc/stat`: user to softirq, as Docker counts. */
function systemTime(): number {
  const [, ...columns] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.trim().split(/\s+/)
  return columns.slice(0, 7).reduce((sum, ticks) => sum + Number(ticks), 0) * tickNs
}
