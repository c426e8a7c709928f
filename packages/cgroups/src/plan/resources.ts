import type { BlockIoResources } from './resources-block-io.js'

/**
 * What a group may use. The names are those of the OCI runtime spec; what is not given is left as the kernel
 * has it, which is without a limit of its own. There are no sentinels: `'max'` takes a limit away.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#control-groups}
 */
export interface Resources {
  readonly memory?: MemoryResources | undefined
  readonly cpu?: CpuResources | undefined
  readonly pids?: PidsResources | undefined
  readonly blockIO?: BlockIoResources | undefined
  /** Limits of huge pages, one for each size. */
  readonly hugepageLimits?: readonly HugepageLimit[] | undefined
  /** Marks of the group's network traffic. v1 only. */
  readonly network?: NetworkResources | undefined
  /** Limits of RDMA devices by their names, as `mlx4_0`. `rdma.max`. */
  readonly rdma?: Readonly<Record<string, RdmaLimit>> | undefined
  /** Limits of what the `misc` controller counts, by its names, as `sev`. `misc.max`. */
  readonly misc?: Readonly<Record<string, number | 'max'>> | undefined
  /**
   * What may be done with which devices, in order: the last rule about a device holds. The list is the whole truth:
   * it begins with nothing allowed unless its first rule is about everything, and it replaces an earlier list. v1
   * `devices.allow` and `devices.deny`; v2 an eBPF program at the group.
   */
  readonly devices?: readonly DeviceRule[] | undefined
  /**
   * Texts for files of v2, by their names, as `{ 'memory.high': '20971520' }`; written last, each line by itself.
   * The part before the first dot is the controller. v1: `ERR_CGROUP_UNSUPPORTED`.
   */
  readonly unified?: Readonly<Record<string, string>> | undefined
}

/** Limits of the `memory` controller, in **bytes**. The kernel rounds down to whole pages. */
export interface MemoryResources {
  /**
   * Hard limit. Above it the kernel reclaims, then OOM-kills inside the group. At least
   * {@link MIN_MEMORY_LIMIT}. v1 `memory.limit_in_bytes`, v2 `memory.max`.
   */
  readonly limit?: number | 'max' | undefined
  /** What is left to the group as long as possible. v1 `memory.soft_limit_in_bytes`, v2 `memory.low`. */
  readonly reservation?: number | 'max' | undefined
  /**
   * Above it processes are slowed down and made to give memory back, but nothing is killed: below `limit`, it leaves
   * time to react. v2 only, `memory.high`.
   */
  readonly high?: number | 'max' | undefined
  /** What is never taken from the group, even when others are killed for it. v2 only, `memory.min`. */
  readonly min?: number | 'max' | undefined
  /**
   * Limit of **memory and swap together**, as the spec has it on both versions: `limit` itself means no swap
   * at all. A number needs a `limit`, beside it or (in an update) already there, and must not be below it. v1
   * `memory.memsw.limit_in_bytes`; v2 `memory.swap.max`, which counts swap alone: `swap - limit` is written.
   */
  readonly swap?: number | 'max' | undefined
  /** How readily the group's pages are swapped, 0 to 100. v1 only, `memory.swappiness`. */
  readonly swappiness?: number | undefined
  /**
   * `true`: a process above the limit sleeps until there is memory again instead of being killed. v1 only,
   * `memory.oom_control`. A container can then hang for ever: something must watch it.
   */
  readonly disableOOMKiller?: boolean | undefined
  /** `true`: when one process is killed for want of memory, all of the group are. v2 only, `memory.oom.group`. */
  readonly killAllOnOom?: boolean | undefined
  /** Limit of memory for TCP buffers. v1 only, `memory.kmem.tcp.limit_in_bytes`. */
  readonly kernelTCP?: number | 'max' | undefined
  /**
   * `true`: an update to less than what is in use is refused (`ERR_CGROUP_REFUSED`) instead of killing. For v2: v1
   * refuses anyway, once it could not reclaim enough.
   */
  readonly checkBeforeUpdate?: boolean | undefined
}

/** Limits of the controllers `cpu` and `cpuset`. */
export interface CpuResources {
  /**
   * Share of the processor against other groups when it is scarce, 2 to 262144; the kernel's default is 1024.
   * v1 `cpu.shares`; v2 `cpu.weight`, converted by {@link sharesToWeight}.
   */
  readonly shares?: number | undefined
  /** Processor time in **microseconds** a period, from 1000. v1 `cpu.cfs_quota_us`, v2 `cpu.max`. */
  readonly quota?: number | 'max' | undefined
  /** Length of a period in **microseconds**, 1000 to 1000000; the kernel's default is 100000. */
  readonly period?: number | undefined
  /** Unused time that may be saved up, in **microseconds**, at most `quota`. `cpu.cfs_burst_us`, `cpu.max.burst`. */
  readonly burst?: number | undefined
  /**
   * Time for real-time processes in **microseconds** a `realtimePeriod`; 0 is none. v1 only, on kernels with
   * `CONFIG_RT_GROUP_SCHED`. `cpu.rt_runtime_us`.
   */
  readonly realtimeRuntime?: number | undefined
  /** In **microseconds**. v1 only, `cpu.rt_period_us`. */
  readonly realtimePeriod?: number | undefined
  /** `true`: runs only when nothing else wants the processor (`SCHED_IDLE` of groups). `cpu.idle`. */
  readonly idle?: boolean | undefined
  /** Processors that may be used, as a list: `0-3,7`. `cpuset.cpus`. */
  readonly cpus?: string | undefined
  /** Memory nodes that may be used, as a list: `0`. `cpuset.mems`. */
  readonly mems?: string | undefined
}

/** Limits of the `pids` controller. */
export interface PidsResources {
  /** How many processes and threads there may be, 1 to 4194304. Beyond it `fork` fails with `EAGAIN`. `pids.max`. */
  readonly limit?: number | 'max' | undefined
}

/** One rule of the `devices` controller. What is left out of `major` and `minor` means all. */
export interface DeviceRule {
  /** `true` adds to what may be used, `false` takes away. */
  readonly allow: boolean
  /** `b` block, `c` character, `a` all of both: then the rule is about everything, `major` and `minor` must be unset. */
  readonly type: 'a' | 'b' | 'c'
  readonly major?: number | undefined
  readonly minor?: number | undefined
  /** Any of `r` read, `w` write, `m` mknod: `rwm`. */
  readonly access: string
}

/** Limit of the huge pages of one size. */
export interface HugepageLimit {
  /** As the kernel writes it: `2MB`, `1GB`, `64KB`. */
  readonly pageSize: string
  /** In **bytes**. v1 `hugetlb.SIZE.limit_in_bytes`, v2 `hugetlb.SIZE.max`, and those of reservations (`rsvd`). */
  readonly limit: number | 'max'
}

/** Marks of v1's controllers `net_cls` and `net_prio`. */
export interface NetworkResources {
  /** Class that tc(8) and nf_tables see, 0 to 4294967295: major and minor number of 16 bits each. `net_cls.classid`. */
  readonly classID?: number | undefined
  /** Priority of what goes out, by interface. `net_prio.ifpriomap`. */
  readonly priorities?: readonly InterfacePriority[] | undefined
}

/** Priority of what the group sends through one interface. */
export interface InterfacePriority {
  /** Name of the interface, in the network namespace of the caller. */
  readonly name: string
  /** 0 to 4294967295. */
  readonly priority: number
}

/** Limit of one RDMA device. What is left out stays as it is: not limited, in a new group. */
export interface RdmaLimit {
  /** How often its processes may have the device open. */
  readonly hcaHandles?: number | 'max' | undefined
  /** How many queues, keys, memory regions and so on they may have made. */
  readonly hcaObjects?: number | 'max' | undefined
}
