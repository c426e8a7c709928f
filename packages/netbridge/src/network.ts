import { formatIpv4, formatSubnet } from './address/ipv4.js'
import { attachEndpoint } from './attach.js'
import { currentNames } from './dns/current-names.js'
import type { DnsOptions, DnsServer } from './dns/dns-server.js'
import type { NameTable } from './dns/name-table.js'
import { serveNetwork } from './dns/serve-network.js'
import type { AttachOptions, Endpoint, EndpointInfo } from './endpoint.js'
import { endpointHandle } from './endpoint-handle.js'
import { NetbridgeError } from './errors.js'
import type { Firewall } from './firewall/firewall.js'
import { cleanUpNetwork, leaveStore, removeFromHost } from './leave-network.js'
import type { OpenNetwork } from './network-context.js'
import type { NetworkDriver, NetworkInfo } from './network-info.js'
import type { DefaultRouteOptions } from './netlink/address-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { openParts, type FindNetwork, type NetworkNames, type NetworkParts } from './open-parts.js'
import { provideAddresses, type WantedAddresses } from './overlay/addresses.js'
import type { OverlayPeer } from './overlay/definition.js'
import { overlayHosts, releaseHost, type OverlayHost } from './overlay/hosts.js'
import { memberOf, type OverlayMember } from './overlay/member.js'
import { routeOut } from './route-out.js'
import type { InstanceState } from './state/instance-state.js'
import { checkDnsOptions, checkId } from './validate.js'

/** How a network is removed. */
export interface RemoveOptions {
  /**
   * An overlay network is removed here even if its store is away: what the store has of this host stays there, its
   * blocks of addresses until somebody deletes them. Default false.
   */
  readonly force?: boolean | undefined
}

/**
 * A network of the host and the containers on it. It stays until `remove()`; any number of processes may have it open.
 * Everything but deleting links happens synchronously inside the calls, because the kernel answers netlink at once.
 */
export class Network implements AsyncDisposable {
  readonly #network: OpenNetwork
  readonly #netfilter: NetlinkSocket
  readonly #firewall: Firewall | undefined
  readonly #servers = new Set<DnsServer>()
  readonly #names: () => NameTable
  readonly #member: OverlayMember | undefined
  #closed = false
  #removed = false

  private constructor({ network, netfilter, firewall }: NetworkParts) {
    this.#network = network
    this.#netfilter = netfilter
    this.#firewall = firewall
    this.#names = currentNames(network.record, network.endpoints, network.overlay?.peers)
    this.#member = memberOf(network)
  }

  /**
   * Opens what `find` finds or makes, while nobody else of the instance does so; or leaves nothing.
   *
   * @internal
   */
  static opened(state: InstanceState, names: NetworkNames, find: FindNetwork): Network {
    return new Network(openParts(state, names, find))
  }

  /**
   * Waits until the store of an overlay network was asked once, with success or without.
   *
   * @internal
   */
  async joined(): Promise<void> {
    await this.#member?.tried()
  }

  /**
   * Sees to it that this host has an address of an overlay network to hand out, or certain ones: others of the network
   * have to be asked for that. `Networks.connect()` does it by itself. Networks of other drivers have theirs at hand.
   *
   * @throws {@link NetbridgeError}
   *   - `ERR_NETBRIDGE_STORE`: the store cannot be reached, and this host has none left.
   *   - `ERR_NETBRIDGE_POOL_EXHAUSTED`: other hosts have all.
   *   - `ERR_NETBRIDGE_ADDRESS_TAKEN`: another host has the block of a named one.
   *
   * @example
   * await net.provide({ ip: '10.1.0.77' })
   * net.attach({ id: 'web', netnsFd, ip: '10.1.0.77' })
   */
  async provide(wanted: WantedAddresses = {}): Promise<void> {
    this.#checkOpen()
    const { overlay } = this.#network
    if (overlay !== undefined) await provideAddresses({ ...this.#network, overlay }, wanted)
  }

  /** The other hosts of an overlay network with their containers, as last heard of. Empty for other drivers. */
  peers(): readonly OverlayPeer[] {
    this.#checkOpen()
    return this.#network.overlay?.peers.get() ?? []
  }

  /** Why an overlay network does not hear of its store; undefined when all is well. It is asked again by itself. */
  get storeFailure(): NetbridgeError | undefined {
    return this.#member?.failure
  }

  /** What it is, as it is kept. */
  get info(): NetworkInfo {
    return this.#network.record.info
  }

  /** Its name. */
  get name(): string {
    return this.#network.record.name
  }

  /** What connects its containers. */
  get driver(): NetworkDriver {
    return this.info.driver
  }

  /** Name of its bridge, or of the parent of macvlan and ipvlan. */
  get bridge(): string {
    return this.#network.record.bridge ?? this.info.parent ?? ''
  }

  /** IPv4 subnet in CIDR form. */
  get subnet(): string {
    return formatSubnet(this.#network.record.subnet)
  }

  /** Default route of the containers. Of a bridge its address, where they reach the host. */
  get gateway(): string {
    return formatIpv4(this.#network.record.gateway)
  }

  /**
   * Puts a network namespace on the network: a veth pair whose one end is a port of the bridge and whose other
   * is `name` inside, or a macvlan or ipvlan link of that name; with hardware address, addresses and default route;
   * `lo` and `name` up; and the ports of the host that lead to it (`ip link add ... type veth`, `ip address add`,
   * `ip route add default`, `nft add element`). Either all of it, or nothing is left.
   *
   * A published port is reachable from other hosts, from this host on localhost and on its addresses, and from
   * containers, the same one included. As long as this process has the network open, no other program of the host can
   * listen there, and it carries what comes to [::1] (TCP and UDP), which the kernel cannot lead elsewhere.
   *
   * @throws {@link NetbridgeError}
   *   - `ERR_NETBRIDGE_INVALID_ARG`: an option is malformed, or `hostIp` is no address of the host.
   *   - `ERR_NETBRIDGE_EXISTS`: an endpoint of that id is on this network.
   *   - `ERR_NETBRIDGE_ADDRESS_TAKEN`, `ERR_NETBRIDGE_PORT_TAKEN`: another one has it.
   *   - `ERR_NETBRIDGE_POOL_EXHAUSTED`: no address or port is free; of an overlay network, at hand: see {@link provide}.
   *   - `ERR_NETBRIDGE_PERMISSION`, `ERR_NETBRIDGE_KERNEL`: the kernel refuses, for example because the
   *     namespace has an interface of that name.
   * @throws AggregateError of such errors when what was done already cannot be undone; `cleanup()` finds it.
   *
   * @example
   * using netns = createNetworkNamespace()
   * using web = net.attach({ id: 'web', netnsFd: netns.fd, publish: [{ host: 8080, container: 80 }] })
   */
  attach(options: AttachOptions): Endpoint {
    this.#checkOpen()
    return this.#handle(attachEndpoint(this.#network, options))
  }

  /** The endpoint of that id, whichever process attached it; undefined when there is none. */
  endpoint(id: string): Endpoint | undefined {
    this.#checkOpen()
    const info = this.#network.endpoints.get(checkId(id))
    return info === undefined ? undefined : this.#handle(info)
  }

  /** All endpoints of the network, whichever process attached them, in order of their ids. */
  endpoints(): EndpointInfo[] {
    this.#checkOpen()
    return this.#network.endpoints.list()
  }

  /**
   * Serves names to the containers of the network, at the address of its bridge, as long as this process has it open:
   * `A` and `PTR` of endpoints by their ids (the first twelve digits of a container's) and their `names`, also as
   * `NAME.BRIDGE`, those that have a name in common in turns; everything else as the host's own servers answer it,
   * kept for as long as they say. A container asks it when its `/etc/resolv.conf` names {@link gateway}.
   *
   * Any number of processes may serve the same network: the kernel shares the questions among them, and each knows the
   * endpoints of all.
   *
   * @throws {@link NetbridgeError}
   *   - `ERR_NETBRIDGE_INVALID_ARG`: the network has no bridge.
   *   - `ERR_NETBRIDGE_PORT_TAKEN`: another program of the host serves names at that address, or at all of them.
   *   - `ERR_NETBRIDGE_PERMISSION`: the port is below 1024, and the caller lacks CAP_NET_BIND_SERVICE.
   *
   * @example
   * await using dns = await net.serveDns()
   * writeFileSync(`${root}/etc/resolv.conf`, resolvConf({ nameservers: [net.gateway] }))
   */
  async serveDns(options: DnsOptions = {}): Promise<DnsServer> {
    this.#checkOpen()
    checkDnsOptions(options)
    const server = await serveNetwork(this.#network.record, this.#names, options)
    if (this.#closed) await server.close()
    this.#checkOpen()
    this.#servers.add(server)
    return server
  }

  /**
   * The names of its endpoints as they are now.
   *
   * @internal
   */
  names(): NameTable {
    return this.#names()
  }

  /**
   * Takes away everything that belongs to ids which are not named: what is left of owners that were killed,
   * attached whole or by half. Links on the bridge that belong to nobody are deleted too.
   *
   * @param liveIds - Ids to keep, or whether to keep one. Those that other processes are attaching right now belong to
   *   them.
   * @returns The ids that something was taken away from.
   */
  cleanup(liveIds: Iterable<string> | ((id: string) => boolean)): string[] {
    this.#checkOpen()
    return cleanUpNetwork(this.#network, liveIds)
  }

  /**
   * Makes this network the way out of a container that is on it and has none, as when the one that had it was left; with
   * `replace` also of one that has another. A network without a way out changes nothing.
   *
   * @param netnsFd - Descriptor of its network namespace; stays the caller's.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`: it is not on this network.
   */
  addDefaultRoute(id: string, netnsFd: number, options: DefaultRouteOptions = {}): void {
    this.#checkOpen()
    routeOut(this.#network, checkId(id), netnsFd, options)
  }

  /**
   * Removes the network: every endpoint, the bridge, its part of the nftables table, and its files; with the
   * last network of the instance also the table and the folder. Closes the handle. `net.ipv4.ip_forward` stays
   * as it is, since others may have come to rely on it. Idempotent. Takes 20 ms and more, in which the event
   * loop stands still.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_KERNEL` when the kernel refuses; open and remove it again.
   *   `ERR_NETBRIDGE_STORE`: an overlay network is not left while its store is away, unless by force.
   */
  async remove({ force = false }: RemoveOptions = {}): Promise<void> {
    if (this.#removed) return
    await leaveStore(this.#member, force)
    this.#checkOpen()
    await removeFromHost(this.#network, this.#firewall)
    this.#removed = true
    await this.close()
  }

  /**
   * The hosts of an overlay network, as its store has them.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: it is no overlay; `ERR_NETBRIDGE_STORE`.
   */
  async hosts(): Promise<OverlayHost[]> {
    return await overlayHosts(this.#asked())
  }

  /**
   * Gives the addresses of a host of an overlay network that is gone for good to whoever asks for them next. Should it
   * come back, its containers there may have the addresses of others: `storeFailure` tells of that.
   *
   * @param host - Its name, as {@link Network.hosts} has it.
   * @returns The blocks of addresses.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_IN_USE`: it is heard of; `ERR_NETBRIDGE_NOT_FOUND`; and as
   *   {@link Network.hosts}.
   */
  async releaseHost(host: string): Promise<readonly string[]> {
    return await releaseHost(this.#asked(), host)
  }

  /**
   * Ends its servers of names, waits for links that are being deleted and closes the handle. The network and its
   * endpoints stay. Idempotent.
   *
   * @throws {@link NetbridgeError} when links could not be deleted; `cleanup()` finds them again.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      for (const server of this.#servers) await server.close()
      await this.#member?.close()
      await this.#network.reaper.close()
    } finally {
      this.#network.pool.close()
      this.#network.pool6?.close()
      this.#network.reservations.close()
      this.#network.ports.close()
      this.#network.overlay?.close()
      this.#firewall?.close()
      this.#network.route.close()
      this.#netfilter.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #asked(): Parameters<typeof overlayHosts>[0] {
    this.#checkOpen()
    const { overlay } = this.#network
    if (overlay === undefined)
      throw new NetbridgeError(
        'ERR_NETBRIDGE_INVALID_ARG',
        `cannot ask network ${this.name} for its hosts: it is on this one alone`,
      )
    return { store: overlay.store, network: this.name, own: overlay.info.host }
  }

  #handle(info: EndpointInfo): Endpoint {
    return endpointHandle(this.#network, info, () => this.#checkOpen())
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_CLOSED',
        `cannot use network ${this.name}: its handle was closed`,
      )
    }
  }
}
