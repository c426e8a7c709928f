import type { LinuxSeccomp } from '../../seccomp/profile.js'
import type { ConfigProcess } from './config-process.js'
import type { ConfigResources } from './config-resources.js'
import type { Integer64 } from './json.js'

export type * from './config-process.js'
export type * from './config-resources.js'
export type { Integer64 } from './json.js'

/**
 * `config.json` of a bundle for Linux, version 1.3 of the OCI runtime specification, with the specification's own
 * field names. Fields that are `null` in the file are unset here; fields of other platforms and unknown ones are
 * left out.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md}
 */
export interface Config {
  /** Version of the specification that the bundle was made for, 1.x.y. */
  readonly ociVersion: string
  readonly root: ConfigRoot
  /** File systems on top of the root, in the order in which they are mounted. */
  readonly mounts?: readonly ConfigMount[] | undefined
  /** Unset: the container can be created, not started. */
  readonly process?: ConfigProcess | undefined
  readonly hostname?: string | undefined
  readonly domainname?: string | undefined
  readonly hooks?: ConfigHooks | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly linux?: ConfigLinux | undefined
}

/** Root file system of the container. */
export interface ConfigRoot {
  /** Absolute, or relative to the bundle. */
  readonly path: string
  readonly readonly?: boolean | undefined
}

/** A file system, or a bind of a folder or file, at a path of the container. */
export interface ConfigMount {
  /** In the container. A relative one, which old bundles have, is meant from the root. */
  readonly destination: string
  readonly type?: string | undefined
  /** For a bind a path, absolute or relative to the bundle; else what the file system takes. */
  readonly source?: string | undefined
  /** As fstab(5): see `parseMountOptions`. */
  readonly options?: readonly string[] | undefined
  /** Of an idmapped mount, mount_setattr(2). Set together with `gidMappings`. */
  readonly uidMappings?: readonly ConfigIdMapping[] | undefined
  readonly gidMappings?: readonly ConfigIdMapping[] | undefined
}

/** A range of user or group ids, as in user_namespaces(7): each number is an unsigned one of 32 bits. */
export interface ConfigIdMapping {
  readonly containerID: number
  readonly hostID: number
  /** How many ids, at least 1. */
  readonly size: number
}

/** Commands that are run at the points of a container's life that the fields name, in order. */
export interface ConfigHooks {
  readonly prestart?: readonly ConfigHook[] | undefined
  readonly createRuntime?: readonly ConfigHook[] | undefined
  readonly createContainer?: readonly ConfigHook[] | undefined
  readonly startContainer?: readonly ConfigHook[] | undefined
  readonly poststart?: readonly ConfigHook[] | undefined
  readonly poststop?: readonly ConfigHook[] | undefined
}

export interface ConfigHook {
  /** Absolute path of the program. */
  readonly path: string
  /** Including the program's name, as execve(2) takes them. Unset means `path` alone. */
  readonly args?: readonly string[] | undefined
  /** `NAME=value` each. */
  readonly env?: readonly string[] | undefined
  /** In seconds, 1 to 2147483, which is what larger ones are cut to. Unset means no limit. */
  readonly timeout?: number | undefined
}

/** What only Linux has. */
export interface ConfigLinux {
  /** At most one of a type. Types that are left out are shared with the runtime. */
  readonly namespaces?: readonly ConfigNamespace[] | undefined
  readonly uidMappings?: readonly ConfigIdMapping[] | undefined
  readonly gidMappings?: readonly ConfigIdMapping[] | undefined
  /** Only beside a new time namespace. */
  readonly timeOffsets?: ConfigTimeOffsets | undefined
  readonly devices?: readonly ConfigDevice[] | undefined
  /** Network devices to move into the container, by their name on the host. */
  readonly netDevices?: Readonly<Record<string, ConfigNetDevice>> | undefined
  /** From the cgroup root when absolute, else from where the runtime likes. For systemd `slice:prefix:name`. */
  readonly cgroupsPath?: string | undefined
  readonly resources?: ConfigResources | undefined
  readonly rootfsPropagation?: ConfigPropagation | undefined
  readonly seccomp?: LinuxSeccomp | undefined
  /** Values by name, `net.ipv4.ip_forward` or `net/ipv4/ip_forward`. */
  readonly sysctl?: Readonly<Record<string, string>> | undefined
  /** Absolute paths in the container that nobody can read. */
  readonly maskedPaths?: readonly string[] | undefined
  /** Absolute paths in the container that nobody can write. */
  readonly readonlyPaths?: readonly string[] | undefined
  /** SELinux context of the container's mounts. */
  readonly mountLabel?: string | undefined
  readonly personality?: ConfigPersonality | undefined
  readonly intelRdt?: ConfigIntelRdt | undefined
  readonly memoryPolicy?: ConfigMemoryPolicy | undefined
}

export type ConfigNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

export interface ConfigNamespace {
  readonly type: ConfigNamespaceType
  /** Absolute path of a namespace to join. Unset means a new one. */
  readonly path?: string | undefined
}

/** By clock that time_namespaces(7) can shift. */
export interface ConfigTimeOffsets {
  readonly monotonic?: ConfigTimeOffset | undefined
  readonly boottime?: ConfigTimeOffset | undefined
}

export interface ConfigTimeOffset {
  readonly secs?: Integer64 | undefined
  /** 0 to 999999999. */
  readonly nanosecs?: number | undefined
}

/** Propagation of the container's root mount, see mount_namespaces(7). */
export type ConfigPropagation =
  'shared' | 'rshared' | 'slave' | 'rslave' | 'private' | 'rprivate' | 'unbindable' | 'runbindable'

/** `c` and `u` are character devices, `b` is a block device, `p` a FIFO. */
export type ConfigDeviceType = 'c' | 'b' | 'u' | 'p'

export interface ConfigDevice {
  readonly type: ConfigDeviceType
  /** In the container. */
  readonly path: string
  /** 0 for a FIFO. */
  readonly major: number
  readonly minor: number
  /** Permission bits. Unset means 0666. */
  readonly fileMode?: number | undefined
  /** Owner in the container. Unset means 0. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

export interface ConfigNetDevice {
  /** In the container. Unset means the name on the host. `%d` in it lets the kernel choose a number. */
  readonly name?: string | undefined
}

/** See personality(2). The specification knows no flags. */
export interface ConfigPersonality {
  readonly domain: 'LINUX' | 'LINUX32'
  readonly flags?: readonly string[] | undefined
}

/** Shares of cache and memory bandwidth, in the resctrl file system. */
export interface ConfigIntelRdt {
  /** Name of the class of service. `/` is the default class. Unset means the container's id. */
  readonly closID?: string | undefined
  /** Lines of the `schemata` file, written after the two that follow. */
  readonly schemata?: readonly string[] | undefined
  readonly l3CacheSchema?: string | undefined
  /** `MB:0=20;1=70`. */
  readonly memBwSchema?: string | undefined
  /** A monitoring group of the container's own. */
  readonly enableMonitoring?: boolean | undefined
}

export type ConfigMemoryPolicyMode =
  | 'MPOL_DEFAULT'
  | 'MPOL_BIND'
  | 'MPOL_INTERLEAVE'
  | 'MPOL_WEIGHTED_INTERLEAVE'
  | 'MPOL_PREFERRED'
  | 'MPOL_PREFERRED_MANY'
  | 'MPOL_LOCAL'

export type ConfigMemoryPolicyFlag = 'MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES'

/** NUMA policy of the container's process, see set_mempolicy(2). */
export interface ConfigMemoryPolicy {
  readonly mode: ConfigMemoryPolicyMode
  /** A list such as `0-1,3`. Unset for the modes that take none. */
  readonly nodes?: string | undefined
  readonly flags?: readonly ConfigMemoryPolicyFlag[] | undefined
}
