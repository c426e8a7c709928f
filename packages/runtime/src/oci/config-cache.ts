import type { Config, ConfigMount } from './config/config.js'
import { parseMountOptions, type ParsedMountOptions } from './config/mount-options.js'
import { parseConfig } from './config/parse-config.js'

/** A config that has been read and checked. */
export interface ReadConfig {
  readonly config: Config
  readonly mounts: readonly { readonly mount: ConfigMount; readonly options: ParsedMountOptions }[]
  /** What its author should know. */
  readonly warnings: readonly string[]
}

/** How many are kept, those that were used last. */
const MOST = 8

/** Longer texts than any engine writes are not kept, in UTF-16 units. */
const LONGEST = 256 * 1024

/**
 * Configs by their text: containers of one program often have the same, and reading one takes as long as a quarter of
 * making the container. A config that names namespaces by their paths is read each time, as these are looked at.
 */
export class ConfigCache {
  readonly #rootless: boolean
  readonly #known = new Map<string, ReadConfig>()

  constructor({ rootless }: { readonly rootless: boolean }) {
    this.#rootless = rootless
  }

  /**
   * Reads and checks the text of a `config.json`.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
   */
  read(text: string): ReadConfig {
    const known = this.#known.get(text)
    if (known !== undefined) {
      this.#known.delete(text) // to be the newest
      this.#known.set(text, known)
      return known
    }
    const warnings: string[] = []
    const config = parseConfig(text, { rootless: this.#rootless, warn: (message) => warnings.push(message) })
    const mounts = (config.mounts ?? []).map((mount) => ({
      mount,
      options: parseMountOptions(mount.options ?? []),
    }))
    const read = { config, mounts, warnings }
    if (text.length > LONGEST || config.linux?.namespaces?.some(({ path }) => path !== undefined) === true)
      return read
    this.#known.set(text, read)
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value!)
    return read
  }

  /** One that was read lately. */
  get(text: string): Config | undefined {
    return this.#known.get(text)?.config
  }
}
