import type { CgroupMode } from '../host/hierarchy.js'

/** What the kernel's configuration says of an option: built in, a module, off; or it says nothing. */
export type ConfigValue = 'y' | 'm' | 'n'

/** Facts of a host, read once. What cannot be read is absent. */
export interface HostFacts {
  /** Kernel options without `CONFIG_`; empty when the kernel does not tell its configuration. */
  readonly config: ReadonlyMap<string, ConfigValue>
  /** Where the configuration was read. */
  readonly configSource: string | undefined
  /** How control groups are mounted; `undefined` when none are. */
  readonly cgroupMode: CgroupMode | undefined
  /** Controllers that are mounted, and the version of their interface. */
  readonly controllers: ReadonlyMap<string, 1 | 2>
  /** Names of interface files of groups, of both versions. Of v2 only those of groups that there are. */
  readonly interfaceFiles: ReadonlySet<string>
  /** File systems of `/proc/filesystems`. */
  readonly fileSystems: ReadonlySet<string>
  /** Kinds of namespaces that this process has (`/proc/self/ns`). */
  readonly namespaces: ReadonlySet<string>
  /** Most user namespaces that may be made. */
  readonly maxUserNamespaces: number
  /** Actions of `/proc/sys/kernel/seccomp/actions_avail`. */
  readonly seccompActions: ReadonlySet<string>
  /** True when `/proc/pressure` is there. */
  readonly hasPressure: boolean
  /** True when nf_tables answers on netlink. */
  readonly hasNetfilter: boolean
  /** True when packets between interfaces are passed on. */
  readonly forwardsPackets: boolean
}
