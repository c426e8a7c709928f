import type { Integer64 } from './json.js'

/** Limits of the container's cgroup: `linux.resources`, and what `update --resources` reads. */
export interface ConfigResources {
  /** Rules about devices, applied in order. */
  readonly devices?: readonly ConfigDeviceRule[] | undefined
  readonly memory?: ConfigMemory | undefined
  readonly cpu?: ConfigCpu | undefined
  readonly pids?: ConfigPids | undefined
  readonly blockIO?: ConfigBlockIo | undefined
  readonly hugepageLimits?: readonly ConfigHugepageLimit[] | undefined
  readonly network?: ConfigNetwork | undefined
  /** By device. */
  readonly rdma?: Readonly<Record<string, ConfigRdma>> | undefined
  /** Text for files of cgroup v2, by their names. */
  readonly unified?: Readonly<Record<string, string>> | undefined
}

export interface ConfigDeviceRule {
  readonly allow: boolean
  /** `a` and unset mean both kinds. */
  readonly type?: 'a' | 'c' | 'b' | undefined
  /** Unset or -1 means any. */
  readonly major?: number | undefined
  readonly minor?: number | undefined
  /** Some of `r`, `w` and `m` (mknod). Unset or empty means all of them. */
  readonly access?: string | undefined
}

/** Sizes are in bytes, -1 for no limit. */
export interface ConfigMemory {
  readonly limit?: Integer64 | undefined
  readonly reservation?: Integer64 | undefined
  /** Memory and swap together. */
  readonly swap?: Integer64 | undefined
  readonly kernel?: Integer64 | undefined
  readonly kernelTCP?: Integer64 | undefined
  /** 0 to 100 in the kernel, not checked here. */
  readonly swappiness?: Integer64 | undefined
  readonly disableOOMKiller?: boolean | undefined
  readonly useHierarchy?: boolean | undefined
  readonly checkBeforeUpdate?: boolean | undefined
}

/** Times are in microseconds. */
export interface ConfigCpu {
  readonly shares?: Integer64 | undefined
  /** -1 for no limit. */
  readonly quota?: Integer64 | undefined
  readonly burst?: Integer64 | undefined
  readonly period?: Integer64 | undefined
  readonly realtimeRuntime?: Integer64 | undefined
  readonly realtimePeriod?: Integer64 | undefined
  /** A list such as `0-3,7`. */
  readonly cpus?: string | undefined
  readonly mems?: string | undefined
  /** 1 for SCHED_IDLE, 0 for the usual policy. */
  readonly idle?: Integer64 | undefined
}

export interface ConfigPids {
  /** -1 for no limit. */
  readonly limit?: Integer64 | undefined
}

export interface ConfigBlockIo {
  readonly weight?: number | undefined
  readonly leafWeight?: number | undefined
  readonly weightDevice?: readonly ConfigWeightDevice[] | undefined
  readonly throttleReadBpsDevice?: readonly ConfigThrottleDevice[] | undefined
  readonly throttleWriteBpsDevice?: readonly ConfigThrottleDevice[] | undefined
  readonly throttleReadIOPSDevice?: readonly ConfigThrottleDevice[] | undefined
  readonly throttleWriteIOPSDevice?: readonly ConfigThrottleDevice[] | undefined
}

export interface ConfigWeightDevice {
  readonly major: number
  readonly minor: number
  readonly weight?: number | undefined
  readonly leafWeight?: number | undefined
}

export interface ConfigThrottleDevice {
  readonly major: number
  readonly minor: number
  /** Bytes or operations in a second. */
  readonly rate: Integer64
}

export interface ConfigHugepageLimit {
  /** Such as `2MB` or `1GB`. */
  readonly pageSize: string
  /** In bytes. */
  readonly limit: Integer64
}

export interface ConfigNetwork {
  readonly classID?: number | undefined
  readonly priorities?: readonly ConfigInterfacePriority[] | undefined
}

export interface ConfigInterfacePriority {
  readonly name: string
  readonly priority: number
}

export interface ConfigRdma {
  readonly hcaHandles?: number | undefined
  readonly hcaObjects?: number | undefined
}
