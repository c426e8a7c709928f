/** A number of a kernel file: a `bigint` where a `number` would not be exact, as for "no limit". */
export type Count = number | bigint

/**
 * Statistics of a container in the form that engines read from `events` of an OCI runtime. Times are in nanoseconds,
 * sizes in bytes. Fields that are left out are 0, or not there on this kernel.
 */
export interface ContainerStats {
  readonly cpu: CpuFigures
  readonly cpuset: Readonly<Record<string, Count | readonly number[]>>
  readonly memory: MemoryFigures
  readonly pids: { readonly current?: Count | undefined; readonly limit?: Count | undefined }
  readonly blkio: BlkioFigures
  /** By size of page. */
  readonly hugetlb: Readonly<Record<string, HugetlbFigures>>
  readonly intel_rdt: object
  readonly network_interfaces: null
}

export interface CpuFigures {
  readonly usage: {
    readonly total?: Count | undefined
    readonly percpu?: readonly Count[] | undefined
    readonly percpu_kernel?: readonly Count[] | undefined
    readonly percpu_user?: readonly Count[] | undefined
    readonly kernel: Count
    readonly user: Count
  }
  readonly throttling: {
    readonly periods?: Count | undefined
    readonly throttledPeriods?: Count | undefined
    readonly throttledTime?: Count | undefined
  }
  readonly psi?: PressureFigures | undefined
}

export interface MemoryEntry {
  readonly limit: Count
  readonly usage?: Count | undefined
  readonly max?: Count | undefined
  readonly failcnt: Count
}

export interface MemoryFigures {
  readonly cache?: Count | undefined
  readonly usage: MemoryEntry
  /** Memory and swap together. */
  readonly swap: MemoryEntry
  readonly kernel: MemoryEntry
  readonly kernelTCP: MemoryEntry
  /** All of `memory.stat`. */
  readonly raw?: Readonly<Record<string, Count>> | undefined
  readonly psi?: PressureFigures | undefined
}

export interface BlkioEntry {
  readonly major?: Count | undefined
  readonly minor?: Count | undefined
  readonly op?: string | undefined
  readonly value?: Count | undefined
}

export interface BlkioFigures {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[] | undefined
  readonly ioServicedRecursive?: readonly BlkioEntry[] | undefined
  readonly psi?: PressureFigures | undefined
}

export interface HugetlbFigures {
  readonly usage?: Count | undefined
  readonly max?: Count | undefined
  readonly failcnt: Count
}

/** How long processes waited; averages in percent, totals in microseconds. */
export interface PressureFigures {
  readonly some: PressureLine
  readonly full: PressureLine
}

export interface PressureLine {
  readonly avg10: number
  readonly avg60: number
  readonly avg300: number
  readonly total: Count
}

/** The number, or nothing in the place of 0. */
export function unlessZero(value: Count | undefined): Count | undefined {
  return value === undefined || value === 0 ? undefined : value
}

/** The list, or nothing in the place of an empty one. */
export function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}
