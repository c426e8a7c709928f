import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { NetbridgeError } from '../errors.js'
import { AttachmentCache, type CachedAttachment } from './attachment-cache.js'
import { isJsonObject, parseJson, type JsonObject } from './json.js'
import { readCniFolder, type CniFolder, type CniNetwork, type CniPluginConfig } from './network-config.js'
import { baseOf, checked, environmentOf, requestOf, type CniAttachment } from './request.js'
import { readResult, type CniResult } from './result.js'
import { pluginError, runPlugin, shorten } from './run-plugin.js'
import { Turns } from './turns.js'
import { atLeast, CNI_VERSIONS } from './versions.js'

/** Where things are, and how long plugins may take. */
export interface CniOptions {
  /** Folder of configurations. Default `/etc/cni/net.d`. */
  readonly networks?: string | undefined
  /** Folders of plugins, in order. Default those of `CNI_PATH`, else `/opt/cni/bin`, `/usr/lib/cni`, `/usr/libexec/cni`. */
  readonly plugins?: readonly string[] | undefined
  /** Folder of what is attached, which must outlive a reboot. Default `/var/lib/cni`. */
  readonly cache?: string | undefined
  /** How long one run of a plugin may take before it is killed. Default 60,000. */
  readonly timeoutMs?: number | undefined
}

/** Which attachment is meant. */
export type CniAttachmentKey = Pick<CniAttachment, 'containerId' | 'ifname'>

/** What may stop waiting. */
export interface CniCallOptions {
  /** Kills the plugin that runs; an `ADD` is undone. */
  readonly signal?: AbortSignal | undefined
}

const usualFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni']

/**
 * Runs CNI plugins, such as Debian's containernetworking-plugins, Calico's or Flannel's: programs of their own that put
 * a network namespace on a network. Versions 0.3.0 to 1.1.0 of the specification. Calls for one container take turns,
 * and so do {@link gc} and all others; among several processes their callers see to that, as the specification says.
 *
 * Every method throws {@link NetbridgeError} `ERR_NETBRIDGE_CNI_PLUGIN` when a plugin is not there, refuses, dies or
 * prints rubbish (`error.plugin` says which, and its own error number), and `ERR_NETBRIDGE_CNI_TIMEOUT`.
 *
 * @see {@link https://www.cni.dev/docs/spec/}
 *
 * @example
 * const cni = new Cni()
 * const [network] = cni.networks().networks
 * const result = await cni.add(network, { containerId: 'web', netns: '/run/netns/web' })
 */
export class Cni {
  readonly #networks: string
  readonly #plugins: readonly string[]
  readonly #cache: AttachmentCache
  readonly #timeoutMs: number
  readonly #turns = new Turns()

  constructor({
    networks = '/etc/cni/net.d',
    plugins,
    cache = '/var/lib/cni',
    timeoutMs = 60_000,
  }: CniOptions = {}) {
    const path = process.env['CNI_PATH']?.split(':').filter((folder) => folder !== '') ?? []
    this.#networks = networks
    this.#plugins = plugins ?? (path.length > 0 ? path : usualFolders)
    this.#cache = new AttachmentCache(cache)
    this.#timeoutMs = timeoutMs
  }

  /** The networks that are configured now, and why other files are not to be used. */
  networks(): CniFolder {
    return readCniFolder(this.#networks)
  }

  /** Whether a container is attached, and with what; also when its plugins did not come to their end. */
  attachment(network: CniNetwork, key: CniAttachmentKey): CachedAttachment | undefined {
    return this.#cache.get(network.name, key.containerId, key.ifname ?? 'eth0')
  }

  /** All that are attached to a network, or half attached. */
  attachments(network: CniNetwork): CachedAttachment[] {
    return this.#cache.list(network.name)
  }

  /**
   * Attaches a container (`ADD`): each plugin gets the result of the one before. When one fails all are told to undo
   * what they did (`DEL`).
   *
   * @returns The last one's result.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_EXISTS`: it is attached, under that name of an interface.
   * @throws AggregateError when undoing fails too: the first of its errors is why attaching failed. It stays among
   *   {@link attachments}, for {@link del} to try again.
   */
  async add(
    network: CniNetwork,
    attachment: CniAttachment,
    options: CniCallOptions = {},
  ): Promise<CniResult> {
    const wanted = checked(network, attachment)
    return await this.#turns.after(wanted.containerId, async () => {
      const { containerId, ifname } = wanted
      if (this.attachment(network, wanted) !== undefined) {
        throw new NetbridgeError(
          'ERR_NETBRIDGE_EXISTS',
          `cannot attach ${containerId} to CNI network ${network.name}: it is attached as ${ifname}; detach it first`,
        )
      }
      for (const plugin of network.plugins) this.#find(plugin.type, 'ADD') // before anything is made
      this.#cache.put(wanted)
      let result: CniResult | undefined
      try {
        for (const plugin of network.plugins) result = await this.#addBy(plugin, wanted, result, options)
        if (result === undefined) throw new Error('a network has at least one plugin')
        this.#cache.put({ ...wanted, result })
        return result
      } catch (error) {
        await this.#undo(wanted, result, error)
        throw error
      }
    })
  }

  /**
   * Detaches a container (`DEL`), with the configuration and the result of when it was attached. Idempotent, as far as
   * the plugins are; the first that fails ends it, and it can be called again.
   *
   * @param attachment - `netns` may be missing when the namespace is gone.
   */
  async del(
    network: CniNetwork,
    attachment: Omit<CniAttachment, 'netns'> & { readonly netns?: string | undefined },
    options: CniCallOptions = {},
  ): Promise<void> {
    const given = checked(network, attachment)
    await this.#turns.after(given.containerId, () => this.#delete(given, options))
  }

  /**
   * Asks the plugins whether an attachment is as it shall be (`CHECK`); does nothing where the configuration says so.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: it is not attached. `ERR_NETBRIDGE_UNSUPPORTED`:
   *   versions before 0.4.0 have no `CHECK`.
   */
  async check(network: CniNetwork, key: CniAttachmentKey, { signal }: CniCallOptions = {}): Promise<void> {
    await this.#turns.after(key.containerId, async () => {
      const known = this.attachment(network, key)
      if (known?.result === undefined) {
        throw new NetbridgeError(
          'ERR_NETBRIDGE_INVALID_ARG',
          `cannot check ${key.containerId} on CNI network ${network.name}: it is not attached`,
        )
      }
      if (!atLeast(known.network.cniVersion, '0.4.0')) {
        throw new NetbridgeError(
          'ERR_NETBRIDGE_UNSUPPORTED',
          `cannot check ${key.containerId}: CNI ${known.network.cniVersion} has no CHECK, 0.4.0 and later have`,
        )
      }
      if (known.network.disableCheck) return
      for (const plugin of known.network.plugins) {
        await this.#run(plugin, 'CHECK', requestOf(plugin, known, known.result), known, signal)
      }
    })
  }

  /**
   * Detaches all that are attached and not named, and lets plugins take away what else belongs to nobody (`GC`, with
   * version 1.1.0 and later, unless the configuration forbids it). Goes on when something fails.
   *
   * @param valid - What stays. Interfaces are `eth0` unless said otherwise.
   * @throws AggregateError of everything that failed.
   */
  async gc(
    network: CniNetwork,
    valid: readonly CniAttachmentKey[],
    { signal }: CniCallOptions = {},
  ): Promise<void> {
    await this.#turns.alone(async () => {
      if (network.disableGC) return
      const named = new Set(valid.map(({ containerId, ifname = 'eth0' }) => `${containerId} ${ifname}`))
      const failures: unknown[] = []
      const attempt = async (work: () => Promise<unknown>): Promise<void> => {
        signal?.throwIfAborted()
        await work().catch((error: unknown) => failures.push(error))
      }
      const stale = this.attachments(network).filter(
        ({ containerId, ifname }) => !named.has(`${containerId} ${ifname}`),
      )
      for (const attachment of stale) await attempt(() => this.#delete(attachment, { signal }))
      const attachments = valid.map(({ containerId, ifname = 'eth0' }) => ({
        containerID: containerId,
        ifname,
      }))
      for (const plugin of atLeast(network.cniVersion, '1.1.0') ? network.plugins : []) {
        const request = { ...baseOf(plugin, network), 'cni.dev/valid-attachments': attachments }
        await attempt(() => this.#run(plugin, 'GC', request, undefined, signal))
      }
      if (failures.length > 0) {
        throw new AggregateError(failures, `cannot clean CNI network ${network.name} up whole`)
      }
    })
  }

  /**
   * Asks the plugins whether they could attach something (`STATUS`), which they can be since version 1.1.0.
   *
   * @throws {@link NetbridgeError} Of the first that cannot; `plugin.cniCode` is 50, or 51 when those that are attached
   *   suffer as well.
   */
  async status(network: CniNetwork, { signal }: CniCallOptions = {}): Promise<void> {
    for (const plugin of network.plugins) this.#find(plugin.type, 'STATUS')
    for (const plugin of atLeast(network.cniVersion, '1.1.0') ? network.plugins : []) {
      await this.#run(plugin, 'STATUS', baseOf(plugin, network), undefined, signal)
    }
  }

  /** The versions of the specification that a plugin knows (`VERSION`). */
  async versions(type: string, { signal }: CniCallOptions = {}): Promise<readonly string[]> {
    const cniVersion = CNI_VERSIONS.at(-1)
    const output = await this.#run({ type }, 'VERSION', { cniVersion }, undefined, signal)
    const said = parseJson(output)
    const versions = isJsonObject(said) ? said['supportedVersions'] : undefined
    if (Array.isArray(versions) && versions.every((each) => typeof each === 'string')) return versions
    throw pluginError({ type, env: { CNI_COMMAND: 'VERSION' } }, `it printed rubbish: ${shorten(output)}`)
  }

  async #addBy(
    plugin: CniPluginConfig,
    attachment: CachedAttachment,
    previous: CniResult | undefined,
    { signal }: CniCallOptions,
  ): Promise<CniResult> {
    const output = await this.#run(plugin, 'ADD', requestOf(plugin, attachment, previous), attachment, signal)
    const result = readResult(parseJson(output), attachment.network.cniVersion)
    if (typeof result !== 'string') return result
    const run = { type: plugin.type, env: { CNI_COMMAND: 'ADD', CNI_CONTAINERID: attachment.containerId } }
    throw pluginError(run, `it printed rubbish, ${result}: ${shorten(output)}`)
  }

  async #delete(given: CachedAttachment, { signal }: CniCallOptions): Promise<void> {
    const known = this.attachment(given.network, given)
    const attachment = known ?? given
    const previous = atLeast(attachment.network.cniVersion, '0.4.0') ? known?.result : undefined
    for (const plugin of attachment.network.plugins.toReversed()) {
      await this.#run(plugin, 'DEL', requestOf(plugin, attachment, previous), attachment, signal)
    }
    this.#cache.remove(attachment.network.name, attachment.containerId, attachment.ifname)
  }

  /** Every plugin, whether it was reached or not: the one that failed may have done something. */
  async #undo(attachment: CachedAttachment, previous: CniResult | undefined, reason: unknown): Promise<void> {
    const { network, containerId, ifname } = attachment
    const failures: unknown[] = []
    for (const plugin of network.plugins.toReversed()) {
      const request = requestOf(plugin, attachment, previous)
      await this.#run(plugin, 'DEL', request, attachment, undefined).catch((error: unknown) =>
        failures.push(error),
      )
    }
    if (failures.length === 0) {
      this.#cache.remove(network.name, containerId, ifname)
      return
    }
    const message = `cannot attach ${containerId} to CNI network ${network.name}, and cannot undo it whole`
    throw new AggregateError([reason, ...failures], message, { cause: reason })
  }

  async #run(
    { type }: CniPluginConfig,
    command: string,
    request: JsonObject,
    attachment: CachedAttachment | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const env = {
      CNI_COMMAND: command,
      CNI_PATH: this.#plugins.join(':'),
      ...(attachment === undefined ? {} : environmentOf(attachment)),
    }
    const path = this.#find(type, command)
    return await runPlugin({
      path,
      type,
      env,
      input: JSON.stringify(request),
      timeoutMs: this.#timeoutMs,
      signal,
    })
  }

  #find(type: string, command: string): string {
    for (const path of this.#plugins.map((folder) => join(folder, type))) {
      try {
        accessSync(path, constants.X_OK)
        if (statSync(path).isFile()) return path
      } catch {
        // the next folder may have it
      }
    }
    const reason = `there is no executable of that name in ${this.#plugins.join(', ')}; install it, or set CNI_PATH`
    throw pluginError({ type, env: { CNI_COMMAND: command } }, reason)
  }
}
