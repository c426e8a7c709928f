import { isNamespacesError, type MemoryPolicy, type ProcessAttributes } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import type { ConfigMemoryPolicy, ConfigPersonality } from '../config/config.js'
import type { ConfigProcess } from '../config/config-process.js'
import { invalidConfig } from '../config/invalid-config.js'
import type { Log } from '../log.js'
import { affinityOf } from './cpu-list.js'
import { parseIdList } from './id-list.js'

/** What the attributes of a process depend on beside its config. */
export interface AttributesContext {
  /** Id of its container. */
  readonly id: string
  readonly userNamespace: boolean
  readonly keyring: boolean
  /** It joins a running container, and is not its first process. */
  readonly joins: boolean
  readonly personality: ConfigPersonality | undefined
  readonly memoryPolicy: ConfigMemoryPolicy | undefined
  readonly log: Log
}

/** The attributes of a process, as `spawn` takes them. The umask is 0022 unless the config says otherwise. */
export function attributesOf(process: ConfigProcess, context: AttributesContext): ProcessAttributes {
  const { id, userNamespace, keyring, joins, personality, memoryPolicy, log } = context
  const flags = personality?.flags ?? []
  if (flags.length > 0) log.warn(`ignoring unsupported personality flags: ${flags.join(', ')}`)
  return {
    rlimits: process.rlimits,
    oomScoreAdj: process.oomScoreAdj,
    scheduler: process.scheduler,
    ioPriority: process.ioPriority,
    cpuAffinity: affinityOf(joins ? process.execCPUAffinity : undefined),
    memoryPolicy: memoryPolicy && memoryPolicyOf(memoryPolicy),
    personality: personality?.domain,
    umask: process.user.umask ?? 0o022,
    sessionKeyring: keyring ? { name: `_ses.${id}`, searchable: userNamespace } : undefined,
    securebits: 0,
    ownStreams: true,
  }
}

/** NUMA nodes that a kernel can be built for, at most. */
const MAX_NODES = 1024

/**
 * The memory policy of a config as `spawn` takes it.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: not a list of nodes.
 */
export function memoryPolicyOf({ mode, nodes = '', flags }: ConfigMemoryPolicy): MemoryPolicy {
  return { mode, nodes: parseIdList('memory policy nodes', nodes, MAX_NODES - 1), flags }
}

/**
 * Does a check of `@ctr/namespaces`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`, `ERR_RUNTIME_LIMIT`.
 */
export function asConfig(check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!isNamespacesError(error)) throw error
    if (error.code === 'ERR_NAMESPACES_LIMIT') {
      throw new RuntimeError('ERR_RUNTIME_LIMIT', error.message, { cause: error })
    }
    throw invalidConfig(error.message, { cause: error })
  }
}
