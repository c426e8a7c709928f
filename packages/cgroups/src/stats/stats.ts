/**
 * What a group uses, in one shape for v1 and v2. Figures include the groups below, except `oomKills` of v1.
 * The part of a controller that the group is not in is `undefined`.
 */
export interface CgroupStats {
  readonly cpu: CpuStats | undefined
  readonly memory: MemoryStats | undefined
  readonly pids: PidsStats | undefined
  readonly io: IoStats | undefined
}

/**
 * Processor time, in **microseconds** since the group was made. v1 counts user and system time in clock ticks, so
 * that their sum is only about the usage, which is exact.
 */
export interface CpuStats {
  readonly usageUsec: number
  readonly userUsec: number
  readonly systemUsec: number
  /** How the quota bites; `undefined` when the group is not in the `cpu` controller. */
  readonly throttling: ThrottlingStats | undefined
}

/** How the processor quota bites. All 0 without a quota. */
export interface ThrottlingStats {
  /** Periods in which the group wanted to run. */
  readonly periods: number
  /** Those in which the quota was used up. */
  readonly throttledPeriods: number
  /** Time that it had to wait, in **microseconds**, added up over processors. */
  readonly throttledUsec: number
}

/** Memory, in **bytes**. */
export interface MemoryStats {
  /** In use, page cache included. */
  readonly usage: number
  /** The most that was in use; `undefined` on v2 kernels before 5.19. */
  readonly peak: number | undefined
  readonly limit: number | 'max'
  /** Private memory of processes: heaps, stacks. */
  readonly anon: number
  /** Page cache, which includes tmpfs and shared memory. */
  readonly file: number
  /** Page cache not used lately. `usage - inactiveFile` is what monitoring tools call the working set. */
  readonly inactiveFile: number
  /** Swap alone; `undefined` when the kernel does not account for it. */
  readonly swap: { readonly usage: number; readonly limit: number | 'max' } | undefined
  /**
   * How often the limit was hit and the kernel had to reclaim. On v1 not every kernel counts hits of the limit of
   * memory and swap together, which is the one that is hit where no swap is allowed: `oomKills` is right.
   */
  readonly limitHits: number
  /** Processes killed because there was no memory. v1 counts those in the group itself, v2 also those below. */
  readonly oomKills: number
}

/** Processes and threads; those that ended count until their parent has waited for them. */
export interface PidsStats {
  readonly current: number
  readonly limit: number | 'max'
  /** How often a `fork` failed at the limit: on v1 only those inside this group count. */
  readonly limitHits: number
}

/** Block devices, added up over all of them, since the group was made. */
export interface IoStats {
  readonly readBytes: number
  readonly writeBytes: number
  readonly readOps: number
  readonly writeOps: number
}
