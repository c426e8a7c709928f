import { formatIpv4 } from './address/ipv4.js'
import type { AddressPool } from './address/address-pool.js'
import { findLink, hostLinkName, localMac, reapedGroup, unless } from './bridge.js'
import type { AttachOptions, EndpointInfo } from './endpoint.js'
import { NetbridgeError } from './errors.js'
import type { LinkReaper } from './link-reaper.js'
import { LOOPBACK_INDEX, routeSocketIn } from './network-namespace.js'
import { newAddress, newDefaultRoute } from './netlink/address-messages.js'
import {
  deleteLinkGroup,
  newVeth,
  setHairpin,
  setLinkDownInGroup,
  setLinkUp,
  type VethOptions,
} from './netlink/link-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'
import type { NftTable } from './nft/nft-table.js'
import { checkMappings, claimPorts } from './publish.js'
import type { EndpointRecords } from './state/endpoint-records.js'
import type { InstanceState } from './state/instance-state.js'
import type { NetworkRecord } from './state/network-record.js'
import {
  checkId,
  checkInteger,
  checkInterfaceName,
  checkIpv4,
  checkMac,
  checkNames,
  formatMac,
} from './validate.js'

/** An open network and everything that attaching needs. */
export interface OpenNetwork {
  readonly record: NetworkRecord
  readonly bridgeIndex: number
  readonly state: InstanceState
  readonly endpoints: EndpointRecords
  readonly pool: AddressPool
  readonly table: NftTable
  readonly route: NetlinkSocket
  readonly reaper: LinkReaper
}

/** Name under which an endpoint owns ports of the host. */
export function portOwner(network: OpenNetwork, id: string): string {
  return `${network.record.bridge}/${id}`
}

/**
 * Attaches a network namespace: whole, or not at all. What is claimed and recorded in files comes first, what
 * is made in the kernel after it, so that whatever a crash leaves can be found.
 *
 * @throws AggregateError when undoing fails too: the first of its errors is why attaching failed.
 */
export function attachEndpoint(network: OpenNetwork, options: AttachOptions): EndpointInfo {
  const undo: (() => void)[] = []
  try {
    return attach(network, options, undo)
  } catch (error) {
    const failures: unknown[] = []
    for (const step of undo.reverse()) {
      try {
        step()
      } catch (failure) {
        failures.push(failure)
      }
    }
    if (failures.length === 0) throw error
    throw new AggregateError([error, ...failures], `cannot attach ${options.id}, and cannot undo it whole`, {
      cause: error,
    })
  }
}

function attach(network: OpenNetwork, options: AttachOptions, undo: (() => void)[]): EndpointInfo {
  const { record, endpoints, pool, state, table } = network
  const id = checkId(options.id)
  const name = checkInterfaceName('interface name', options.name ?? 'eth0')
  const netnsFd = checkInteger('netnsFd', options.netnsFd, 0, 2 ** 31 - 1)
  const wantedMac = options.mac === undefined ? undefined : checkMac(options.mac)
  const wantedIp = options.ip === undefined ? undefined : checkIpv4('ip', options.ip)
  const mappings = checkMappings(options.publish ?? [])
  const names = checkNames(options.names ?? [])

  const address = wantedIp === undefined ? pool.allocate(id) : pool.claim(wantedIp, id)
  undo.push(() => pool.release(formatIpv4(address), id))
  const owner = portOwner(network, id)
  const ports = claimPorts(state.ports, mappings, owner)
  undo.push(() => ports.forEach((port) => state.ports.release(port, owner)))

  const mac = wantedMac ?? localMac(address)
  const info: EndpointInfo = {
    id,
    name,
    names,
    address: formatIpv4(address),
    prefixLength: record.subnet.prefixLength,
    gateway: formatIpv4(record.gateway),
    mac: formatMac(mac),
    ifname: hostLinkName(address),
    ports,
  }
  if (!endpoints.add(info)) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_EXISTS',
      `cannot attach ${id}: an endpoint of that id is on ${record.bridge}`,
    )
  }
  undo.push(() => endpoints.remove(id))

  undo.push(() => takeLinkDown(network, info.ifname))
  const veth = {
    name: info.ifname,
    bridge: network.bridgeIndex,
    mtu: record.mtu,
    peer: { name, mac, netnsFd },
  }
  makeVeth(network, veth, ports.length > 0)
  configureInside(netnsFd, name, address, record)
  if (ports.length > 0 && !table.publish(info)) restoreTable(network)
  return info
}

/**
 * Makes the veth pair. A name that is in use, outside or inside, may be that of an endpoint which was detached
 * a moment ago and waits for its deletion: then that is done now.
 */
function makeVeth({ route, record }: OpenNetwork, veth: VethOptions, hairpin: boolean): void {
  const requests = hairpin ? [newVeth(veth), setHairpin(veth.name)] : [newVeth(veth)]
  if (unless(route, 'EEXIST', ...requests)) return
  unless(route, 'ENODEV', deleteLinkGroup(reapedGroup(record.subnet)))
  exchangeRoute(route, requests)
}

function configureInside(netnsFd: number, name: string, address: number, record: NetworkRecord): void {
  using socket = routeSocketIn(netnsFd)
  const link = findLink(socket, name)
  if (link === undefined)
    throw new NetbridgeError('ERR_NETBRIDGE_KERNEL', `cannot find ${name} in its namespace`)
  exchangeRoute(socket, [
    setLinkUp(LOOPBACK_INDEX, 'lo'),
    setLinkUp(link.index, name),
    newAddress(link.index, name, address, record.subnet.prefixLength),
    newDefaultRoute(link.index, record.gateway),
  ])
}

/** Sets the host's end down, which cuts the container off, and leaves it to be deleted. */
export function takeLinkDown(network: OpenNetwork, ifname: string, leaveLink = false): void {
  const request = setLinkDownInGroup(ifname, reapedGroup(network.record.subnet))
  if (unless(network.route, 'ENODEV', request) && !leaveLink) network.reaper.schedule()
}

/** Makes the table again after somebody flushed it, from what is recorded. */
export function restoreTable({ state, table }: OpenNetwork): boolean {
  const networks = state.networks()
  const publications = networks.flatMap(({ bridge }) => state.endpoints(bridge).list())
  return table.create(networks, publications)
}
