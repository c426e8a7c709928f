/** What the kernel's configuration says of an option: built in, a module, off; or it says nothing. */
export type ConfigValue = 'y' | 'm' | 'n'

/** Whether something that containers need is there. */
export type Availability = 'there' | 'module' | 'missing' | 'unknown'

/** Facts of a host, read once. */
export interface HostFacts {
  /** Kernel options without `CONFIG_`; empty when the kernel does not tell its configuration. */
  readonly config: ReadonlyMap<string, ConfigValue>
  /** Where the configuration was read. */
  readonly configSource: string | undefined
  /** File systems of `/proc/filesystems`. */
  readonly fileSystems: ReadonlySet<string>
  /** Kinds of namespaces that this process has (`/proc/self/ns`). */
  readonly namespaces: ReadonlySet<string>
  /** Cgroup controllers that are mounted. */
  readonly controllers: ReadonlySet<string>
  /** Mode of the cgroup hierarchies: v1, v2 or hybrid. */
  readonly cgroupMode: string
  /** Most user namespaces that may be made. */
  readonly maxUserNamespaces: number
  /** Actions of `/proc/sys/kernel/seccomp/actions_avail`. */
  readonly seccompActions: ReadonlySet<string>
  /** True when swap is accounted to cgroups. */
  readonly accountsSwap: boolean
  /** True when nf_tables answers on netlink. */
  readonly hasNetfilter: boolean
  /** True when packets between interfaces are passed on. */
  readonly forwardsPackets: boolean
}

/** Something that containers need of a host. */
export interface Feature {
  readonly group: 'Namespaces' | 'Control groups' | 'File systems' | 'Network' | 'Security'
  readonly title: string
  /** False: containers run without it, and one option of theirs does not work. */
  readonly isNeeded: boolean
  readonly test: (host: HostFacts) => Availability
  /** What does not work where it is missing. */
  readonly consequence: string
  /** How to turn it on. */
  readonly remedy: string
}
