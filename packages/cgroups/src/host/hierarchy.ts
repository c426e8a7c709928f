/** How the host mounts its control groups. */
export type CgroupMode = 'v1' | 'v2' | 'hybrid'

/** One mounted hierarchy. */
export interface HierarchyMount {
  /** 1 or 2: which interface files its groups have. */
  readonly version: 1 | 2
  /**
   * The controllers in it, in the kernel's words: `memory`, or `cpu` and `cpuacct` where they are mounted
   * together. Empty for a named v1 hierarchy and for the v2 hierarchy of a host whose controllers are all on v1.
   */
  readonly controllers: readonly string[]
  /** Name of a named v1 hierarchy (`systemd` for `name=systemd`), else `undefined`. */
  readonly name: string | undefined
  /** Folder of the topmost group that the mount shows. Paths of groups are relative to it. */
  readonly mountpoint: string
  /** This process's own group, relative to `mountpoint`; `undefined` when the mount does not show it. */
  readonly ownPath: string | undefined
}

/** The hierarchies of a host, and which controller is where. */
export interface Hierarchy {
  /**
   * `v1`: only v1 hierarchies are mounted; `v2`: only the unified one; `hybrid`: both, each controller in one
   * of them.
   */
  readonly mode: CgroupMode
  /** Every mounted hierarchy once, v1 in the kernel's order of `/proc/self/cgroup`, the unified one last. */
  readonly mounts: readonly HierarchyMount[]
  /** Controller, such as `memory`, to the hierarchy that has it. */
  readonly controllers: ReadonlyMap<string, HierarchyMount>
}
