import {
  type Bandwidth,
  type EndpointInfo,
  type FirewallWarning,
  type NetworkExplanation as Explanation,
  type NetworkInfo,
  type NetworkOptions,
  type OverlayHost,
  type RemoveOptions,
} from '@ctr/netbridge'
import { placeOf } from '../container/place-of.js'
import { connected, networkNamespaceOf, wayOutOf } from '../container/attach-networks.js'
import type { Container } from '../container/container.js'
import type { ContainerNetwork, ContainerRecord } from '../container/record.js'
import { checkPriority, type NetworkAttachment } from '../container/network-option.js'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { asksForNames } from './container-names.js'
import { DEFAULT_NETWORK } from './default-network.js'
import { writeResolvConf } from './write-resolv-conf.js'

/** A network, and the containers on it. */
export interface InspectedNetwork extends NetworkInfo {
  /** By their ids. */
  readonly containers: readonly EndpointInfo[]
  /** Firewalls of the host that keep it from working; empty when all is well. */
  readonly warnings: readonly FirewallWarning[]
}

/** How packets travel on a network, and what keeps them from it. */
export interface NetworkExplanation extends Explanation {
  readonly warnings: readonly FirewallWarning[]
}

const reserved = [DEFAULT_NETWORK, 'default', 'host', 'none', 'pasta', 'slirp4netns']

/**
 * The networks of a runtime: those that were made, and `bridge`, which is there once a container needed it. They outlive
 * the process and reboots. Root's only.
 */
export class RuntimeNetworks {
  readonly #context: Context
  readonly #container: (idOrName: string) => Container

  /** @internal */
  constructor(context: Context, container: (idOrName: string) => Container) {
    this.#context = context
    this.#container = container
  }

  /**
   * Makes a network.
   *
   * @throws `NetbridgeError` as `Networks.create()` of `@ctr/netbridge`; {@link RuntimeError}
   *   `ERR_RUNTIME_INVALID_ARG`: a name that stands for something else, or the caller is an ordinary user.
   *
   * @example
   * await runtime.networks.create({ name: 'backend', ipv6: true })
   * await runtime.run({ image: 'nginx', network: [{ name: 'backend', aliases: ['web'] }, 'bridge'] })
   */
  async create(options: NetworkOptions): Promise<NetworkInfo> {
    this.#needRoot()
    if (reserved.includes(options.name))
      throw invalid(`cannot make a network ${options.name}: that name stands for something else`)
    return (await this.#context.networks.create(options)).info
  }

  /** All networks, by name. */
  list(): NetworkInfo[] {
    return this.#context.rootless === undefined ? this.#context.networks.list() : []
  }

  /** A network by name, id, or beginning of its id, with the containers on it. */
  inspect(nameOrId: string): InspectedNetwork {
    this.#needRoot()
    const info = this.#context.networks.inspect(nameOrId)
    const warnings = this.warnings().filter(({ networks }) => networks.includes(info.name))
    return { ...info, containers: this.#context.networks.endpoints(info.name), warnings }
  }

  /**
   * How packets travel on a network, with what the kernel has for it.
   *
   * @throws As {@link inspect}.
   */
  explain(nameOrId: string): NetworkExplanation {
    this.#needRoot()
    const explanation = this.#context.networks.explain(nameOrId)
    const { name } = explanation.info
    return { ...explanation, warnings: this.warnings().filter(({ networks }) => networks.includes(name)) }
  }

  /** Firewalls of the host that keep networks from working, as they are now. */
  warnings(): FirewallWarning[] {
    return this.#context.rootless === undefined ? this.#context.networks.firewallWarnings() : []
  }

  /**
   * Removes a network that no container is on.
   *
   * @throws `NetbridgeError` `ERR_NETBRIDGE_IN_USE`, `ERR_NETBRIDGE_NOT_FOUND`; `ERR_NETBRIDGE_STORE`: the store of an
   *   overlay network is away, and `force` is not set.
   */
  async remove(nameOrId: string, options: RemoveOptions = {}): Promise<void> {
    this.#needRoot()
    const { name } = this.#context.networks.inspect(nameOrId)
    if (name === DEFAULT_NETWORK) throw invalid(`cannot remove network ${name}: it is always there`)
    await this.#context.networks.remove(name, options)
  }

  /**
   * The hosts of an overlay network, as its store has them, also those that are not heard of.
   *
   * @throws `NetbridgeError` as `Network.hosts()`.
   */
  async hosts(nameOrId: string): Promise<OverlayHost[]> {
    this.#needRoot()
    return await (await this.#context.network(nameOrId)).hosts()
  }

  /**
   * Gives the addresses of a host of an overlay network that is gone for good to whoever asks for them next.
   *
   * @param host - Its name, as {@link hosts} has it.
   * @returns The blocks of addresses.
   * @throws `NetbridgeError` as `Network.releaseHost()`: `ERR_NETBRIDGE_IN_USE` where it is heard of.
   */
  async releaseHost(nameOrId: string, host: string): Promise<readonly string[]> {
    this.#needRoot()
    return await (await this.#context.network(nameOrId)).releaseHost(host)
  }

  /**
   * Removes the networks that no container is on, but for `bridge`.
   *
   * @param options - `only`: those of them to remove.
   * @returns Their names.
   */
  async prune({
    only = () => true,
  }: { readonly only?: ((network: NetworkInfo) => boolean) | undefined } = {}): Promise<string[]> {
    this.#needRoot()
    const unused = this.list().filter(
      (network) =>
        network.name !== DEFAULT_NETWORK &&
        only(network) &&
        this.#context.networks.endpoints(network.name).length === 0,
    )
    for (const { name } of unused) await this.#context.networks.remove(name)
    return unused.map(({ name }) => name)
  }

  /**
   * Connects a container to one more network: at once, or one that does not run when it starts.
   *
   * @param container - Its id or name, or its handle, which then knows of it.
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`: it does not run and was made by `run()`;
   *   `ERR_RUNTIME_CONTAINER_NOT_FOUND`;
   *   `ERR_RUNTIME_INVALID_ARG`: its network is that of the host, of another container, or none. `NetbridgeError` as
   *   `Networks.connect()`.
   */
  async connect(
    nameOrId: string,
    whose: string | Container,
    options: Omit<NetworkAttachment, 'name'> = {},
  ): Promise<void> {
    this.#needRoot()
    const container = this.#ownNetworked(whose)
    const { id, name } = container
    checkPriority(nameOrId, options.gatewayPriority)
    const before = container.inspect()
    const network = await this.#context.network(nameOrId)
    if (isKept(before)) {
      if (before.network.networks.some((place) => place.name === network.name))
        throw invalid(`cannot connect container ${name}: it is on network ${network.name} already`)
      await container.networksAre((all) =>
        [...all, { ...nowhere, ...placeOf({ ...options, name: network.name }, all.length) }].map(named),
      )
      return
    }
    const planned = placeOf({ ...options, name: network.name }, before.network.networks.length)
    const isWayOut = wayOutOf([...before.network.networks, planned]) === planned
    using netns = networkNamespaceOf(before)
    const endpoint = await this.#context.networks.connect(network.name, {
      ...{ id, netnsFd: netns.fd, names: [name, ...planned.aliases], ...planned.wanted },
      ...(options.interface === undefined ? {} : { name: options.interface }),
    })
    if (isWayOut) network.addDefaultRoute(id, netns.fd, { replace: true })
    const place = connected(planned, endpoint)
    await container.networksAre((all) => [...all, place])
    const now = container.inspect()
    if (asksForNames(before) || !asksForNames(now)) return
    // it was on networks without names: it asks us from now on
    await this.#context.names.serve(now, netns.fd)
    writeResolvConf(this.#context, now)
  }

  /**
   * Changes how fast a running container may send and receive on a network, at once; what is not named has no limit.
   *
   * @throws As {@link connect}; `NetbridgeError` as `Endpoint.setBandwidth()`.
   *
   * @example
   * await runtime.networks.limit('bridge', 'web', { egressRate: 10_000_000 })
   */
  async limit(nameOrId: string, containerIdOrName: string, bandwidth: Bandwidth): Promise<void> {
    this.#needRoot()
    const container = this.#ownNetworked(containerIdOrName)
    const network = await this.#context.network(nameOrId)
    const endpoint = network.endpoint(container.id)
    if (endpoint === undefined)
      throw invalid(`cannot limit container ${container.name}: it is not on network ${network.name}`)
    const kept = endpoint.setBandwidth(bandwidth)
    await container.networksAre((all) =>
      all.map((place) =>
        place.name === network.name ? { ...place, wanted: { ...place.wanted, bandwidth: kept } } : place,
      ),
    )
  }

  /**
   * Takes a container off a network: at once, or one that does not run when it starts.
   *
   * @throws As {@link connect}; `NetbridgeError` `ERR_NETBRIDGE_NOT_FOUND`: it is not on that network.
   */
  async disconnect(nameOrId: string, whose: string | Container): Promise<void> {
    this.#needRoot()
    const container = this.#ownNetworked(whose)
    const before = container.inspect()
    const { name } = await this.#context.network(nameOrId).then(({ info }) => info)
    if (isKept(before)) {
      if (!before.network.networks.some((place) => place.name === name))
        throw invalid(`cannot disconnect container ${container.name}: it is not on network ${name}`)
      await container.networksAre((all) => all.filter((place) => place.name !== name).map(named))
      return
    }
    using netns = networkNamespaceOf(before)
    await this.#context.networks.disconnect(name, container.id, netns.fd)
    await this.#routeOut(
      container.id,
      before.network.networks.filter((place) => place.name !== name),
      netns.fd,
    )
    await container.networksAre((all) => all.filter((place) => place.name !== name))
  }

  /** Where priorities say so, another network becomes the way out of a container that was taken off one. */
  async #routeOut(id: string, left: readonly ContainerNetwork[], netnsFd: number): Promise<void> {
    if (left.every(({ gatewayPriority = 0 }) => gatewayPriority === 0)) return
    const infos = this.#context.networks.list()
    const wayOut = wayOutOf(
      left.filter((place) => infos.some(({ name, internal }) => name === place.name && !internal)),
    )
    if (wayOut === undefined) return
    const network = await this.#context.network(wayOut.name)
    network.addDefaultRoute(id, netnsFd, { replace: true })
  }

  #ownNetworked(whose: string | Container): Container {
    const container = typeof whose === 'string' ? this.#container(whose) : whose
    const { network } = container.inspect()
    if (network.mode !== 'bridge')
      throw invalid(`cannot connect container ${container.name}: its network is ${network.mode}`)
    return container
  }

  #needRoot(): void {
    if (this.#context.rootless !== undefined) throw invalid('cannot use networks: they need root')
  }
}

const nowhere = { address: null, ipv6: null, mac: null }

/** It is started again, and goes on the networks then that it has on record. */
function isKept({ status, options }: ContainerRecord): boolean {
  return status !== 'running' && options !== null
}

/** Interfaces of a start are numbered in the order of its networks. */
function named(place: ContainerNetwork, at: number): ContainerNetwork {
  return { ...place, interface: place.wantedInterface ?? `eth${at}` }
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
