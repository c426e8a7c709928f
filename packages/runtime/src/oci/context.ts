import { detectHierarchy, type Hierarchy } from '@ctr/cgroups'
import type { Config } from './config/config.js'
import { ConfigCache } from './config-cache.js'
import { parseConfig } from './config/parse-config.js'
import type { Log } from './log.js'
import type { StateStore } from './state/state-store.js'

/** Who makes the cgroups of containers: we by the cgroup file system, systemd, or nobody. */
export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled'

/** What the commands of a runtime share. */
export class OciContext {
  readonly store: StateStore
  readonly cgroupManager: CgroupManager
  readonly rootless: boolean
  readonly log: Log
  /** Configs of bundles. */
  readonly configs: ConfigCache
  #hierarchy: Hierarchy | undefined
  #lastConfig: { readonly text: string; readonly config: Config } | undefined

  constructor(options: {
    readonly store: StateStore
    readonly cgroupManager: CgroupManager
    readonly rootless: boolean
    readonly log: Log
  }) {
    this.store = options.store
    this.cgroupManager = options.cgroupManager
    this.rootless = options.rootless
    this.log = options.log
    this.configs = new ConfigCache(options)
  }

  /** The config of a container. What was read lately is kept: containers of one program often have the same. */
  config(id: string): Config {
    const text = this.store.loadConfig(id)
    const known = this.configs.get(text)
    if (known !== undefined) return known
    if (this.#lastConfig?.text !== text) this.#lastConfig = { text, config: parseConfig(text) }
    return this.#lastConfig.config
  }

  /** The cgroup hierarchies of the host, looked up once. */
  get hierarchy(): Hierarchy {
    this.#hierarchy ??= detectHierarchy()
    return this.#hierarchy
  }
}
