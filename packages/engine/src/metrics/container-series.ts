import type { Container } from '@ctr/runtime'

/** What a running container uses. */
export type Figures = ReturnType<Container['stats']>

/** A value of a series, with the labels that tell it from others of the same container. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number | undefined
}

/** One of cAdvisor's series of containers. */
export interface ContainerSeries {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** Names of labels besides those that all have. */
  readonly labels?: readonly string[]
  /** Those that this kernel does not count, or that have no value here, are `undefined`, and not shown. */
  readonly read: (figures: Figures) => readonly Sample[]
}

type Reader = (figures: Figures) => number | undefined

const one = (type: ContainerSeries['type'], name: string, help: string, read: Reader): ContainerSeries => ({
  name: `container_${name}`,
  help,
  type,
  read: (figures) => [{ value: read(figures) }],
})

const counter = (name: string, help: string, read: Reader): ContainerSeries =>
  one('counter', name, help, read)
const gauge = (name: string, help: string, read: Reader): ContainerSeries => one('gauge', name, help, read)

/** By interface; none for a container that uses the network of the host. */
const network = (
  name: string,
  help: string,
  read: (link: NonNullable<Figures['networks']>[string]) => number,
): ContainerSeries => ({
  name: `container_network_${name}_total`,
  help,
  type: 'counter',
  labels: ['interface'],
  read: ({ networks }) =>
    Object.entries(networks ?? {}).map(([link, stats]) => ({
      labels: { interface: link },
      value: read(stats),
    })),
})

/** By block device, in the kernel's numbers. */
const disk = (
  name: string,
  help: string,
  read: (device: NonNullable<Figures['io']>['devices'][number]) => number,
): ContainerSeries => ({
  name: `container_fs_${name}_total`,
  help,
  type: 'counter',
  labels: ['device'],
  read: ({ io }) =>
    (io?.devices ?? []).map((device) => ({
      labels: { device: `${device.major}:${device.minor}` },
      value: read(device),
    })),
})

const seconds = (usec: number | undefined): number | undefined =>
  usec === undefined ? undefined : usec / 1e6
/** 0 where there is no limit, as cAdvisor has it. */
const limit = (value: number | 'max' | undefined): number | undefined => (value === 'max' ? 0 : value)

/** What is told of each running container, under cAdvisor's names and in its units. */
export const containerSeries: readonly ContainerSeries[] = [
  {
    ...counter('cpu_usage_seconds_total', 'Processor time that was used.', () => undefined),
    labels: ['cpu'],
    read: ({ cpu }) => [{ labels: { cpu: 'total' }, value: seconds(cpu?.usageUsec) }],
  },
  counter('cpu_user_seconds_total', 'Processor time in user mode.', ({ cpu }) => seconds(cpu?.userUsec)),
  counter('cpu_system_seconds_total', 'Processor time in the kernel.', ({ cpu }) => seconds(cpu?.systemUsec)),
  counter(
    'cpu_cfs_periods_total',
    'Periods of the quota in which it wanted to run.',
    ({ cpu }) => cpu?.throttling?.periods,
  ),
  counter(
    'cpu_cfs_throttled_periods_total',
    'Periods in which the quota was used up.',
    ({ cpu }) => cpu?.throttling?.throttledPeriods,
  ),
  counter('cpu_cfs_throttled_seconds_total', 'Time that it waited for its quota.', ({ cpu }) =>
    seconds(cpu?.throttling?.throttledUsec),
  ),
  gauge('memory_usage_bytes', 'Memory in use, page cache included.', ({ memory }) => memory?.usage),
  gauge('memory_working_set_bytes', 'Memory in use without page cache not used lately.', ({ memory }) =>
    memory === undefined ? undefined : Math.max(0, memory.usage - memory.breakdown.inactiveFile),
  ),
  gauge('memory_max_usage_bytes', 'The most memory that was in use.', ({ memory }) => memory?.peak),
  gauge('memory_rss', 'Private memory of processes, in bytes.', ({ memory }) => memory?.breakdown.anon),
  gauge('memory_cache', 'Page cache, in bytes.', ({ memory }) => memory?.breakdown.file),
  gauge(
    'memory_mapped_file',
    'Files mapped into processes, in bytes.',
    ({ memory }) => memory?.breakdown.mapped,
  ),
  gauge('memory_swap', 'Swap in use, in bytes.', ({ memory }) => memory?.swap?.usage),
  counter('memory_failcnt', 'How often the limit of memory was hit.', ({ memory }) => memory?.limitHits),
  counter(
    'oom_events_total',
    'Processes killed because there was no memory.',
    ({ memory }) => memory?.oomKills,
  ),
  gauge('spec_memory_limit_bytes', 'Limit of memory, 0 without one.', ({ memory }) => limit(memory?.limit)),
  gauge('threads', 'Processes and threads.', ({ pids }) => pids?.current),
  gauge('threads_max', 'How many processes and threads there may be, 0 without a limit.', ({ pids }) =>
    limit(pids?.limit),
  ),
  disk('reads', 'How many reads went to a device.', ({ readOps }) => readOps),
  disk('reads_bytes', 'Bytes read from a device.', ({ readBytes }) => readBytes),
  disk('writes', 'How many writes went to a device.', ({ writeOps }) => writeOps),
  disk('writes_bytes', 'Bytes written to a device.', ({ writeBytes }) => writeBytes),
  network('receive_bytes', 'Bytes received.', ({ rxBytes }) => rxBytes),
  network('receive_packets', 'Packets received.', ({ rxPackets }) => rxPackets),
  network('receive_errors', 'Errors while receiving.', ({ rxErrors }) => rxErrors),
  network('receive_packets_dropped', 'Packets dropped while receiving.', ({ rxDropped }) => rxDropped),
  network('transmit_bytes', 'Bytes sent.', ({ txBytes }) => txBytes),
  network('transmit_packets', 'Packets sent.', ({ txPackets }) => txPackets),
  network('transmit_errors', 'Errors while sending.', ({ txErrors }) => txErrors),
  network('transmit_packets_dropped', 'Packets dropped while sending.', ({ txDropped }) => txDropped),
]
