import type { Usage } from '../rows.js'
import type { DaemonClient } from './daemon-client.js'

interface Figures {
  readonly id?: string
  readonly name?: string
  readonly cpu_stats?: CpuFigures
  readonly precpu_stats?: CpuFigures
  readonly memory_stats?: {
    readonly usage?: number
    readonly limit?: number
    readonly stats?: Readonly<Record<string, number>>
  }
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null
  }
  readonly pids_stats?: { readonly current?: number }
}

interface CpuFigures {
  readonly cpu_usage?: { readonly total_usage?: number }
  readonly system_cpu_usage?: number
  readonly online_cpus?: number
}

/** What a container of a daemon uses, counted as Docker's client does. */
export async function remoteUsage(client: DaemonClient, path: string): Promise<Usage> {
  const figures = await client.json<Figures>('GET', `${path}/stats`, { query: { stream: false } })
  const { id = '', name = '', memory_stats: memory = {}, networks, blkio_stats: blocks, pids_stats } = figures
  const { usage, limit, stats = {} } = memory
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0
  const all = Object.values(networks ?? {})
  const bytes = (op: string): number =>
    (blocks?.io_service_bytes_recursive ?? [])
      .filter((entry) => entry.op.toLowerCase() === op)
      .reduce((sum, { value }) => sum + value, 0)
  return {
    id,
    name: name.replace(/^\//, ''),
    cpuPercent: cpuPercent(figures),
    memoryUsed: usage === undefined ? undefined : Math.max(0, usage - cache),
    memoryLimit: limit,
    network:
      networks === undefined
        ? undefined
        : [
            all.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
            all.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
          ],
    blocks: [bytes('read'), bytes('write')],
    pids: pids_stats?.current,
    document: figures,
  }
}

function cpuPercent({ cpu_stats: now = {}, precpu_stats: before = {} }: Figures): number {
  const used = (now.cpu_usage?.total_usage ?? 0) - (before.cpu_usage?.total_usage ?? 0)
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0)
  return passed > 0 && used > 0 ? (used / passed) * (now.online_cpus ?? 1) * 100 : 0
}
