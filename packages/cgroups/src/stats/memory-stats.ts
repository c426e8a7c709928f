import type { Pressure } from './pressure.js'

/** Memory, in **bytes**. */
export interface MemoryStats {
  /** In use, page cache included. */
  readonly usage: number
  /** The most that was in use; `undefined` on v2 kernels before 5.19. */
  readonly peak: number | undefined
  readonly limit: number | 'max'
  /** Above it processes are slowed down and made to give memory back. v2 only. */
  readonly high: number | 'max' | undefined
  /** Swap alone; `undefined` when the kernel does not account for it. */
  readonly swap: SwapStats | undefined
  /** Memory and swap together, which is what v1 counts and limits. v1 with swap accounting only. */
  readonly memoryAndSwap: MemoryCounts | undefined
  /** Of the usage, what the kernel holds for the group; on v2 without limits of its own, and not before Linux 5.18. */
  readonly kernel: MemoryCounts | undefined
  /** Of that, buffers of TCP on v1, of all sockets on v2. */
  readonly sockets: MemoryCounts | undefined
  /** What the usage is made of. */
  readonly breakdown: MemoryBreakdown
  /**
   * How often the limit was hit and the kernel had to reclaim. On v1 not every kernel counts hits of the limit of
   * memory and swap together, which is the one that is hit where no swap is allowed: `oomKills` is right.
   */
  readonly limitHits: number
  /** How often the high mark was exceeded. v2 only. */
  readonly highHits: number | undefined
  /** How often there was no memory left, whether something was killed or not. v2 only. */
  readonly ooms: number | undefined
  /** Processes killed because there was no memory. v1 counts those in the group itself, v2 also those below. */
  readonly oomKills: number
  /** True while processes wait for memory, as the OOM killer is off. v1 only. */
  readonly isUnderOom: boolean | undefined
  /** How long processes waited for memory. v2 only. */
  readonly pressure: Pressure | undefined
  /** All of `memory.stat`, in the kernel's words. v1 has limits of the groups above among them, which may be `'max'`. */
  readonly counters: Readonly<Record<string, number | 'max'>>
}

/** A kind of memory that is counted and may be limited by itself, in **bytes**. */
export interface MemoryCounts {
  readonly usage: number
  /** The most that was in use; `undefined` where it is not counted. */
  readonly peak: number | undefined
  readonly limit: number | 'max'
  /** How often the limit was hit. */
  readonly limitHits: number
}

/** Swap, in **bytes**. */
export interface SwapStats {
  readonly usage: number
  /** The most that was in use. v2 from Linux 6.5 on only. */
  readonly peak: number | undefined
  readonly limit: number | 'max'
}

/** What the memory in use is made of, in **bytes**, and faults. What the kernel does not tell apart is `undefined`. */
export interface MemoryBreakdown {
  /** Private memory of processes: heaps, stacks. */
  readonly anon: number
  /** Page cache, which includes tmpfs and shared memory. */
  readonly file: number
  /** Of `file`: tmpfs and shared memory, which only swap can take. */
  readonly shmem: number
  /** Of `file`: mapped into processes. */
  readonly mapped: number
  /** Of `file`: not yet written to its device. */
  readonly dirty: number
  /** Of `file`: being written. */
  readonly writeback: number
  /** Page cache not used lately. `usage - inactiveFile` is what monitoring tools call the working set. */
  readonly inactiveFile: number
  readonly activeFile: number
  readonly inactiveAnon: number
  readonly activeAnon: number
  /** Locked: not to be reclaimed. */
  readonly unevictable: number
  /** Of `anon`: in transparent huge pages. */
  readonly anonHuge: number
  /** Structures of the kernel. v2 only. */
  readonly slab: number | undefined
  /** Stacks of threads in the kernel. v2 only. */
  readonly kernelStack: number | undefined
  /** v2 only. */
  readonly pageTables: number | undefined
  /** How many page faults there were. */
  readonly pageFaults: number
  /** Those that had to read from a device. */
  readonly majorPageFaults: number
}
