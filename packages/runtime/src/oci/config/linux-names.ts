import type {
  ConfigHooks,
  ConfigMemoryPolicyFlag,
  ConfigMemoryPolicyMode,
  ConfigNamespaceType,
  ConfigPropagation,
} from './config.js'

// Objects, so that the compiler finds a missing name.

const namespaces: Readonly<Record<ConfigNamespaceType, true>> = {
  cgroup: true,
  ipc: true,
  mount: true,
  network: true,
  pid: true,
  time: true,
  user: true,
  uts: true,
}

const rootPropagations: Readonly<Record<ConfigPropagation, true>> = {
  shared: true,
  rshared: true,
  slave: true,
  rslave: true,
  private: true,
  rprivate: true,
  unbindable: true,
  runbindable: true,
}

const modes: Readonly<Record<ConfigMemoryPolicyMode, true>> = {
  MPOL_DEFAULT: true,
  MPOL_BIND: true,
  MPOL_INTERLEAVE: true,
  MPOL_WEIGHTED_INTERLEAVE: true,
  MPOL_PREFERRED: true,
  MPOL_PREFERRED_MANY: true,
  MPOL_LOCAL: true,
}

const modeFlags: Readonly<Record<ConfigMemoryPolicyFlag, true>> = {
  MPOL_F_NUMA_BALANCING: true,
  MPOL_F_RELATIVE_NODES: true,
  MPOL_F_STATIC_NODES: true,
}

const hooks: Readonly<Record<keyof ConfigHooks, true>> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
}

export const namespaceTypes = Object.keys(namespaces) as readonly ConfigNamespaceType[]
export const propagations = Object.keys(rootPropagations) as readonly ConfigPropagation[]
export const memoryPolicyModes = Object.keys(modes) as readonly ConfigMemoryPolicyMode[]
export const memoryPolicyFlags = Object.keys(modeFlags) as readonly ConfigMemoryPolicyFlag[]
/** In the order in which they run. */
export const hookNames = Object.keys(hooks) as readonly (keyof ConfigHooks)[]
