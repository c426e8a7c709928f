import type { MemoryStats } from './memory-stats.js'
import type { Pressure } from './pressure.js'

/**
 * What a group uses, in one shape for v1 and v2. Figures include the groups below, but for the counts of OOM kills and
 * of refused forks on v1. The part of a controller that the group is not in is `undefined`, and so is a figure that
 * this kernel does not count.
 */
export interface CgroupStats {
  readonly cpu: CpuStats | undefined
  readonly memory: MemoryStats | undefined
  readonly pids: PidsStats | undefined
  readonly io: IoStats | undefined
  /** Huge pages, by their size in the kernel's words: `2MB`. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>> | undefined
  /** RDMA devices that the group uses or is limited on, by name: `mlx4_0`. */
  readonly rdma: Readonly<Record<string, RdmaStats>> | undefined
  /** What the `misc` controller counts, by name: `sev`. */
  readonly misc: Readonly<Record<string, MiscStats>> | undefined
}

/** Processor time, in **microseconds** since the group was made. v1 counts nanoseconds, which show as a fraction. */
export interface CpuStats {
  readonly usageUsec: number
  /** In user mode. v1 rounds to clock ticks of 10 milliseconds. */
  readonly userUsec: number
  /** In the kernel. v1 rounds to clock ticks of 10 milliseconds. */
  readonly systemUsec: number
  /** By processor, in the order of their numbers. v1 only. */
  readonly perCpu: readonly PerCpuStats[] | undefined
  /** How the quota bites; `undefined` when the group is not in the `cpu` controller. */
  readonly throttling: ThrottlingStats | undefined
  /** How long processes waited for a processor. v2 only. */
  readonly pressure: Pressure | undefined
}

/** Time on one processor, in **microseconds**. User and system time are sampled, so their sum is only about the usage. */
export interface PerCpuStats {
  readonly usageUsec: number
  readonly userUsec: number
  readonly systemUsec: number
}

/** How the processor quota bites. All 0 without a quota. */
export interface ThrottlingStats {
  /** Periods in which the group wanted to run. */
  readonly periods: number
  /** Those in which the quota was used up. */
  readonly throttledPeriods: number
  /** Time that it had to wait, in **microseconds**, added up over processors. */
  readonly throttledUsec: number
  /** Periods in which saved up time (`cpu.burst`) was used; `undefined` before Linux 5.14. */
  readonly bursts: number | undefined
  /** Time above the quota that was so had, in **microseconds**; `undefined` before Linux 5.14. */
  readonly burstUsec: number | undefined
}

/** Processes and threads; those that ended count until their parent has waited for them. */
export interface PidsStats {
  readonly current: number
  /** The most that there were at once; `undefined` before Linux 6.1, and on v1 before 6.11. */
  readonly peak: number | undefined
  readonly limit: number | 'max'
  /** How often a `fork` failed at the limit: on v1 only those inside this group count. */
  readonly limitHits: number
}

/** Block devices since the group was made: the sum, and each device. */
export interface IoStats extends IoCounts {
  readonly devices: readonly IoDeviceStats[]
  /** How long processes waited for block devices. v2 only. */
  readonly pressure: Pressure | undefined
}

/** What went over block devices. */
export interface IoCounts {
  /** In **bytes**. */
  readonly readBytes: number
  /** In **bytes**. What is written to the page cache counts when it goes to the device; v1 counts that for nobody. */
  readonly writeBytes: number
  /** How many reads. */
  readonly readOps: number
  /** How many writes. */
  readonly writeOps: number
  /** Given back to the device (`TRIM`), in **bytes**. */
  readonly discardBytes: number
  /** How many times. */
  readonly discardOps: number
}

/** What went over one block device. */
export interface IoDeviceStats extends IoCounts {
  readonly major: number
  readonly minor: number
  /** The same by whether somebody waited for it. v1 only. */
  readonly waitedFor: IoWaitedFor | undefined
}

/** What v1 counts as synchronous and asynchronous. */
export interface IoWaitedFor {
  /** In **bytes**. */
  readonly syncBytes: number
  /** In **bytes**. */
  readonly asyncBytes: number
  readonly syncOps: number
  readonly asyncOps: number
}

/** Huge pages of one size that are in use, in **bytes**. */
export interface HugetlbStats extends HugetlbCounts {
  /** Those reserved by `mmap`, which fails at the limit where a fault would kill; `undefined` before Linux 5.7. */
  readonly reserved: HugetlbCounts | undefined
}

/** Huge pages, in **bytes**. */
export interface HugetlbCounts {
  readonly usage: number
  /** The most that was in use. v1 only. */
  readonly peak: number | undefined
  readonly limit: number | 'max'
  /** How often the limit was hit. */
  readonly limitHits: number
}

/** One RDMA device. */
export interface RdmaStats {
  readonly hcaHandles: CountStats
  readonly hcaObjects: CountStats
}

/** A number of things, and how many there may be. */
export interface CountStats {
  readonly current: number
  readonly limit: number | 'max'
}

/** Something that the `misc` controller counts. */
export interface MiscStats extends CountStats {
  /** The most that there were; `undefined` before Linux 6.11. */
  readonly peak: number | undefined
  /** How often the limit was hit; `undefined` before Linux 5.16. */
  readonly limitHits: number | undefined
}
