import { NETLINK_NETFILTER } from '@ctr/linux'
import type { AttachOptions, Endpoint, EndpointInfo } from './endpoint.js'
import { NetbridgeError } from './errors.js'
import { explainNetwork, type NetworkExplanation } from './explain/explain-network.js'
import { firewallWarnings, type FirewallWarning } from './firewall/warnings.js'
import { NetlinkSocket } from './netlink/netlink-socket.js'
import { Network, type RemoveOptions } from './network.js'
import type { NetworkInfo, NetworkOptions } from './network-info.js'
import { routeSocketIn } from './network-namespace.js'
import { getLinks, readLink } from './netlink/link-messages.js'
import { exchangeRoute } from './netlink/route-request.js'
import { makeNetwork, reopenNetwork } from './open-network.js'
import { joinOverlay } from './overlay/join.js'
import { PeerList } from './overlay/peer-list.js'
import { InstanceState, type DamagedNetwork } from './state/instance-state.js'
import { checkId, checkInstance, checkNetworkName } from './validate.js'
import { checkWanted, type WantedNetwork } from './wanted.js'

/** Where networks are kept. */
export interface NetworksOptions {
  /** Folder of what they are, which outlives a reboot. Default `/var/lib/ctrjs/networks`. */
  readonly root?: string | undefined
  /** Folder of addresses, endpoints and ports, which a reboot ends. Default `/run/ctrjs/net`. */
  readonly state?: string | undefined
  /** Name of the instance: its nftables table. One pair of folders, one instance. Default `'ctrjs'`. */
  readonly instance?: string | undefined
}

/** How a running container is connected to one more network. */
export type ConnectOptions = Omit<AttachOptions, 'defaultRoute'>

/** An endpoint and the network that it is on. */
export interface ConnectedEndpoint extends EndpointInfo {
  /** Name of the network. */
  readonly network: string
}

/**
 * The networks of an instance. They are described in files that outlive a reboot; what they stand on is made anew when
 * one is used. Any number of processes may have the same folders open.
 */
export class Networks implements AsyncDisposable {
  readonly #state: InstanceState
  readonly #instance: string
  readonly #open = new Map<string, Network>()

  private constructor(state: InstanceState, instance: string) {
    this.#state = state
    this.#instance = instance
  }

  /**
   * Opens the networks of an instance. Nothing is made.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: the instance's name is malformed.
   *
   * @example
   * await using networks = Networks.open({ root: '/var/lib/demo/networks', state: '/run/demo/net', instance: 'demo' })
   */
  static open({
    root = '/var/lib/ctrjs/networks',
    state = '/run/ctrjs/net',
    instance = 'ctrjs',
  }: NetworksOptions = {}): Networks {
    return new Networks(new InstanceState(state, root), checkInstance(instance))
  }

  /**
   * Makes a network, whole or not at all.
   *
   * @throws {@link NetbridgeError}
   *   - `ERR_NETBRIDGE_INVALID_ARG`: an option is malformed, or not one of the driver.
   *   - `ERR_NETBRIDGE_EXISTS`: there is a network of that name, or a link of the name of its bridge.
   *   - `ERR_NETBRIDGE_SUBNET_CONFLICT`: the host, or another network, has that subnet.
   *   - `ERR_NETBRIDGE_NOT_FOUND`: the parent is not there.
   *   - `ERR_NETBRIDGE_UNSUPPORTED`: the kernel lacks the driver.
   *
   * @example
   * const backend = await networks.create({ name: 'backend', ipv6: true, internal: true })
   */

  async create(options: NetworkOptions): Promise<Network> {
    const wanted = checkWanted(options)
    if (wanted.driver === 'overlay') return this.#join(wanted)
    return this.#make(wanted)
  }

  #make(wanted: WantedNetwork): Network {
    return this.#keep(wanted.name, (route) => {
      if (this.#state.record(wanted.name) !== undefined) throw exists(wanted.name)
      return makeNetwork(this.#state, route, wanted)
    })
  }

  /** Makes a network that other hosts may be on already. */
  async #join(options: WantedNetwork): Promise<Network> {
    if (this.#state.record(options.name) !== undefined) throw exists(options.name)
    const taken = this.#state.networks().map(({ ipv4 }) => ipv4.subnet)
    const { wanted, undo } = await joinOverlay(options, taken)
    try {
      const network = this.#make(wanted)
      await network.provide()
      await network.joined()
      return network
    } catch (error) {
      if (this.#open.has(wanted.name)) await this.#leave(wanted.name, { force: true })
      await undo().catch(() => undefined) // the store may be what has failed
      throw error
    }
  }

  async #leave(name: string, options?: RemoveOptions): Promise<void> {
    await (await this.get(name)).remove(options)
    this.#open.delete(name)
  }

  /**
   * A network by its name, its id, or the beginning of its id. Its bridge, or whatever it stands on, is made again if it
   * is not there.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`; `ERR_NETBRIDGE_SUBNET_CONFLICT`: since it was there the
   *   host has come to reach its subnet elsewhere.
   */
  async get(nameOrId: string): Promise<Network> {
    const { name, id } = this.inspect(nameOrId)
    const open = this.#open.get(name)
    if (open?.info.id === id) return open
    this.#open.delete(name)
    const network = this.#keep(name, (route) => {
      const record = this.#state.record(name)
      if (record === undefined) throw notFound(name)
      return reopenNetwork(route, record)
    })
    await network.joined()
    return network
  }

  /**
   * A network as it is kept. Nothing is made.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`: none, or several ids begin so.
   */
  inspect(nameOrId: string): NetworkInfo {
    const named = this.#state.record(checkNetworkName(nameOrId))
    if (named !== undefined) return named.info
    const all = this.list()
    const begin = /^[0-9a-f]+$/.test(nameOrId) ? all.filter(({ id }) => id.startsWith(nameOrId)) : []
    if (begin.length === 1) return begin[0]!
    throw notFound(nameOrId, begin.length === 0 ? 'there is none' : `${begin.length} ids begin so`)
  }

  /** True when there is a network of that name. */
  has(name: string): boolean {
    return this.#state.record(checkNetworkName(name)) !== undefined
  }

  /** All networks, by name. */
  list(): NetworkInfo[] {
    return this.#state
      .networks()
      .map(({ info }) => info)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Those whose records are damaged: kept for whoever looks into them, and the others can be used. */
  damaged(): DamagedNetwork[] {
    return this.#state.damaged()
  }

  /** The endpoints of a network. */
  endpoints(nameOrId: string): EndpointInfo[] {
    return this.#state.endpoints(this.inspect(nameOrId).name).list()
  }

  /**
   * Firewalls of the host that keep these networks from working, as they are now: where rules could not be put into
   * their chains, and tables of iptables-legacy that were closed since a network was opened. Empty when all is well.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PERMISSION`: the caller lacks CAP_NET_ADMIN.
   */
  firewallWarnings(): FirewallWarning[] {
    using socket = new NetlinkSocket(NETLINK_NETFILTER)
    return firewallWarnings(socket, this.#instance, this.#state.bridges())
  }

  /**
   * How packets travel on a network, and everything in the kernel that makes them do so: links, routes, kernel
   * parameters, the tables of the instance and its rules in chains of others, all read back as they are now. Nothing is
   * made.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`; `ERR_NETBRIDGE_PERMISSION`: the caller lacks CAP_NET_ADMIN.
   */
  explain(nameOrId: string): NetworkExplanation {
    const { name } = this.inspect(nameOrId)
    const record = this.#state.record(name)
    if (record === undefined) throw notFound(name)
    const peers = new PeerList(this.#state.networkFolder(name)).get()
    return explainNetwork(this.#instance, record, this.#state.endpoints(name).list(), peers)
  }

  /** Where a container is: its endpoints on all networks. */
  endpointsOf(id: string): ConnectedEndpoint[] {
    return this.#state.names().flatMap((network) => {
      const endpoint = this.#state.endpoints(network).get(checkId(id))
      return endpoint === undefined ? [] : { ...endpoint, network }
    })
  }

  /**
   * Connects a container to one more network. Its interface there gets the first free name `ethN`; the network becomes
   * its way out when it has none.
   *
   * @throws {@link NetbridgeError} As `Network.attach()`, and `ERR_NETBRIDGE_NOT_FOUND`.
   *
   * @example
   * await networks.connect('backend', { id: 'web', netnsFd, names: ['api'] })
   */
  async connect(nameOrId: string, options: ConnectOptions): Promise<Endpoint> {
    const network = await this.get(nameOrId)
    using socket = routeSocketIn(options.netnsFd)
    const used = new Set(exchangeRoute(socket, [getLinks()]).map((message) => readLink(message).name))
    let number = 0
    while (used.has(`eth${number}`)) number++
    await network.provide(options)
    const endpoint = network.attach({ name: `eth${number}`, ...options, defaultRoute: false })
    network.addDefaultRoute(endpoint.id, options.netnsFd)
    return endpoint
  }

  /**
   * Takes a container off a network. When that was its way out, another of its networks becomes it.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`: there is no such network, or the container is not on it.
   */
  async disconnect(nameOrId: string, id: string, netnsFd?: number): Promise<void> {
    const network = await this.get(nameOrId)
    const endpoint = network.endpoint(id)
    if (endpoint === undefined) throw notFound(`${id} on network ${network.name}`)
    endpoint.detach({ netnsFd })
    if (netnsFd === undefined) return
    for (const other of this.endpointsOf(id)) (await this.get(other.network)).addDefaultRoute(id, netnsFd)
  }

  /**
   * Removes a network that no container is on.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`; `ERR_NETBRIDGE_IN_USE`: containers are on it;
   *   `ERR_NETBRIDGE_STORE`: the store of an overlay network is away, and `force` is not set.
   */
  async remove(nameOrId: string, options?: RemoveOptions): Promise<void> {
    const { name } = this.inspect(nameOrId)
    const on = this.#state.endpoints(name).ids()
    if (on.length > 0) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_IN_USE',
        `cannot remove network ${name}: ${on.length} containers are on it: ${on.slice(0, 3).join(', ')}`,
      )
    }
    await this.#leave(name, options)
  }

  /** Removes all networks, and every endpoint on them. Of one whose record is damaged it is the files that go. */
  async removeAll(): Promise<void> {
    for (const { name } of this.#state.damaged()) this.#state.locked(() => this.#state.removeNetwork(name))
    for (const name of this.#state.names()) await this.#leave(name)
  }

  /**
   * Takes away what belongs to ids that are not named, on every network: see `Network.cleanup()`.
   *
   * @returns The ids that something was taken away from.
   */
  async cleanup(liveIds: Iterable<string>): Promise<string[]> {
    const live = [...liveIds]
    const stale = new Set<string>()
    for (const { name } of this.#state.networks())
      for (const id of (await this.get(name)).cleanup(live)) stale.add(id)
    return [...stale]
  }

  /** Closes all that is open. The networks stay. Idempotent. */
  async close(): Promise<void> {
    const open = [...this.#open.values()]
    this.#open.clear()
    const results = await Promise.allSettled(open.map((network) => network.close()))
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    )
    if (failures.length > 0) throw new AggregateError(failures, 'cannot close networks')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #keep(name: string, find: Parameters<typeof Network.opened>[2]): Network {
    const network = Network.opened(this.#state, { instance: this.#instance, name }, find)
    this.#open.set(name, network)
    return network
  }
}

function exists(name: string): NetbridgeError {
  return new NetbridgeError('ERR_NETBRIDGE_EXISTS', `cannot make network ${name}: there is one of that name`)
}

function notFound(name: string, why = 'there is none'): NetbridgeError {
  return new NetbridgeError('ERR_NETBRIDGE_NOT_FOUND', `cannot find network ${name}: ${why}`)
}
