import { NETLINK_ROUTE } from '@ctr/linux'
import type { AddressPool } from './address/address-pool.js'
import { formatIp, parseIp } from './address/ip.js'
import { parseIpv4 } from './address/ipv4.js'
import { checkLinkLocal, type LinkLocalAddress } from './address/link-local.js'
import { limitsOf } from './bandwidth.js'
import { announceAddresses, findLink, hostLinkName, localMac, reapedGroup, unless } from './bridge.js'
import type { AttachOptions, DetachOptions, EndpointInfo } from './endpoint.js'
import { applyBandwidth, takeIfbDown } from './endpoint-bandwidth.js'
import { NetbridgeError } from './errors.js'
import { newAddress, newDefaultRoute, type DefaultRouteOptions } from './netlink/address-messages.js'
import {
  deleteLink,
  deleteLinkGroup,
  getLink,
  getLinkAt,
  newVeth,
  setBridgePort,
  setLinkDownInGroup,
  setLinkUp,
  type VethOptions,
} from './netlink/link-messages.js'
import { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute, type RouteRequest } from './netlink/route-request.js'
import { newIpvlan, newMacvlan, type IpvlanMode, type MacvlanMode } from './netlink/stacked-links.js'
import type { OpenNetwork } from './network-context.js'
import { insideNetwork, LOOPBACK_INDEX, routeSocketIn } from './network-namespace.js'
import { untilFound } from './neighbour-discovery.js'
import { checkMappings, claimPorts, releasePorts } from './publish.js'
import { admit, dismiss, dismissedOf } from './tables.js'
import type { NetworkRecord } from './state/network-record.js'
import { checkId, checkInteger, checkInterfaceName, checkMac, checkNames, formatMac } from './validate.js'

/** Name under which an endpoint owns ports of the host. */
export function portOwner(network: OpenNetwork, id: string): string {
  return `${network.record.name}/${id}`
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
  const { record, endpoints, pool, pool6, reservations } = network
  const id = checkId(options.id)
  const name = checkInterfaceName('interface name', options.name ?? 'eth0')
  const netnsFd = checkInteger('netnsFd', options.netnsFd, 0, 2 ** 31 - 1)
  const wantedMac = options.mac === undefined ? undefined : checkMac(options.mac)
  const { hostIp } = record.info
  const mappings = checkMappings(
    (options.publish ?? []).map((port) => ({ ...port, hostIp: port.hostIp ?? hostIp })),
  )
  const names = checkNames(options.names ?? [])
  const bandwidth = limitsOf(options.bandwidth)
  const subnets = [record.ipv4, ...(record.ipv6 === undefined ? [] : [record.ipv6])].map(
    ({ subnet }) => subnet,
  )
  const linkLocal = checkLinkLocal(options.linkLocalIps ?? [], subnets)
  refuseUnsupported(record, { ...options, bandwidth })

  const take = (from: AddressPool, wanted: string | undefined): string => {
    const address = wanted === undefined ? from.allocate(id) : from.claim(wanted, id)
    undo.push(() => from.release(address, id))
    return address
  }
  const address = take(pool, options.ip)
  const address6 = pool6 === undefined ? undefined : take(pool6, options.ip6)
  const owner = portOwner(network, id)
  const holder = { claims: network.ports, reservations, owner, address6 }
  const ports = claimPorts(holder, mappings)
  undo.push(() => releasePorts(holder, ports))

  const mac = wantedMac ?? localMac(parseIpv4(address)!)
  const info: EndpointInfo = {
    id,
    name,
    names,
    address,
    prefixLength: record.subnet.prefixLength,
    gateway: formatIp(record.ipv4.gateway),
    ipv6: address6 === undefined ? null : ipv6Of(record, address6),
    mac: sharesMac(record) ? (network.parentMac ?? formatMac(mac)) : formatMac(mac),
    ifname: record.bridge === undefined ? null : hostLinkName(address),
    ports,
    ...(options.antiSpoofing === true ? { antiSpoofing: true } : {}),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  }
  if (!endpoints.add(info)) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_EXISTS',
      `cannot attach ${id}: an endpoint of that id is on ${record.name}`,
    )
  }
  undo.push(() => dismiss(network, dismissedOf(info)))

  undo.push(() => takeLinkDown(network, info, { netnsFd }))
  if (info.ifname !== null && bandwidth !== undefined) {
    const { ifname } = info
    undo.push(() => takeIfbDown(network, ifname))
  }
  if (info.antiSpoofing === true) admit(network, { ...info, ports: [] }) // before anything can be sent
  makeLink(network, info, netnsFd)
  if (info.ifname !== null && bandwidth !== undefined) applyBandwidth(network, info.ifname, bandwidth)
  using inside = configureInside(netnsFd, info, record, {
    linkLocal,
    defaultRoute: options.defaultRoute ?? true,
    // a hardware address that does not follow from the address: neighbours may remember another one
    announce: wantedMac !== undefined || record.bridge === undefined,
  })
  settle(network, info)
  admit(network, info)
  if (info.ipv6 !== null) untilFound(inside, info.ipv6.address)
  return info
}

/**
 * That a link has come up reaches the bridge and the queues of both in a moment of the kernel's choice; until then what
 * is sent to it is lost, and ARP and neighbour discovery ask again only after a second. Who asks for a link has that
 * done at once, from Linux 6.9 on.
 */
function settle({ route, linkIndex }: OpenNetwork, { ifname }: EndpointInfo): void {
  if (ifname !== null) exchangeRoute(route, [getLink(ifname), getLinkAt(linkIndex)])
}

function ipv6Of({ ipv6 }: NetworkRecord, address: string): EndpointInfo['ipv6'] {
  return ipv6 === undefined
    ? null
    : { address, prefixLength: ipv6.subnet.prefixLength, gateway: formatIp(ipv6.gateway) }
}

function refuseUnsupported({ name, info, ipv6, bridge }: NetworkRecord, options: AttachOptions): void {
  const { publish, ip6, mac, antiSpoofing, bandwidth, linkLocalIps = [] } = options
  const refuse = (what: string, why: string): never => {
    throw new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot ${what} on network ${name}: ${why}`)
  }
  if (ip6 !== undefined && ipv6 === undefined) refuse(`use ${ip6}`, 'it has no IPv6')
  if (bridge === undefined && (publish ?? []).length > 0)
    refuse('publish ports', `with ${info.driver} a container has its own place on the network of the host`)
  if (bridge === undefined && antiSpoofing === true) refuse('check senders', 'it has no bridge')
  if (antiSpoofing === true && linkLocalIps.length > 0)
    refuse('use link-local addresses', 'senders are checked, and these are no addresses of the network')
  if (bridge === undefined && bandwidth !== undefined) refuse('limit bandwidth', 'it has no bridge')
  if (mac !== undefined && sharesMac({ info }))
    refuse(`use ${mac}`, 'its links have the hardware address of the parent')
}

/** Makes the veth pair, the macvlan or the ipvlan link. */
function makeLink(network: OpenNetwork, info: EndpointInfo, netnsFd: number): void {
  const { record, linkIndex } = network
  const { name, ifname } = info
  if (ifname === null) {
    makeStackedLink(network, info, netnsFd)
    return
  }
  const peer = { name, mac: checkMac(info.mac), netnsFd }
  makeVeth(network, { name: ifname, bridge: linkIndex, mtu: record.mtu, peer }, info.ports.length > 0)
}

function makeStackedLink(
  { record, route, linkIndex }: OpenNetwork,
  info: EndpointInfo,
  netnsFd: number,
): void {
  const link = { parent: linkIndex, name: info.name, netnsFd, mtu: record.mtu }
  const { driver, mode } = record.info
  exchangeRoute(route, [
    driver === 'ipvlan'
      ? newIpvlan(link, (mode ?? 'l2') as IpvlanMode)
      : newMacvlan(
          link,
          sharesMac(record) ? undefined : checkMac(info.mac),
          (mode ?? 'bridge') as MacvlanMode,
        ),
  ])
}

/** Whether links have the hardware address of their parent. */
function sharesMac({ info: { driver, mode } }: Pick<NetworkRecord, 'info'>): boolean {
  return driver === 'ipvlan' || mode === 'passthru'
}

/**
 * Makes the veth pair. A name that is in use, outside or inside, may be that of an endpoint which was detached
 * a moment ago and waits for its deletion: then that is done now.
 */
function makeVeth({ route, record }: OpenNetwork, veth: VethOptions, hairpin: boolean): void {
  const isolated = !record.info.icc
  const port = { ...(hairpin ? { hairpin } : {}), ...(isolated ? { isolated } : {}) }
  const requests = hairpin || isolated ? [newVeth(veth), setBridgePort(veth.name, port)] : [newVeth(veth)]
  if (unless(route, 'EEXIST', ...requests)) return
  unless(route, 'ENODEV', deleteLinkGroup(reapedGroup(record.subnet)))
  exchangeRoute(route, requests)
}

/** @returns A socket inside. */
function configureInside(
  netnsFd: number,
  { name, address, prefixLength, ipv6 }: EndpointInfo,
  record: NetworkRecord,
  {
    linkLocal,
    defaultRoute,
    announce,
  }: {
    readonly linkLocal: readonly LinkLocalAddress[]
    readonly defaultRoute: boolean
    readonly announce: boolean
  },
): NetlinkSocket {
  const socket = insideNetwork(netnsFd, () => {
    if (announce) announceAddresses(name)
    return new NetlinkSocket(NETLINK_ROUTE)
  })
  try {
    const link = findLink(socket, name)
    if (link === undefined)
      throw new NetbridgeError('ERR_NETBRIDGE_KERNEL', `cannot find ${name} in its namespace`)
    const { index } = link
    exchangeRoute(socket, [
      setLinkUp(LOOPBACK_INDEX, 'lo'),
      newAddress(index, name, parseIp(address)!, prefixLength),
      ...(ipv6 === null ? [] : [newAddress(index, name, parseIp(ipv6.address)!, ipv6.prefixLength)]),
      ...linkLocal.map(({ ip, prefixLength: length }) => newAddress(index, name, ip, length)),
      setLinkUp(index, name),
      ...(defaultRoute ? defaultRoutes(index, record) : []),
    ])
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

/** The way out of a network; none where there is no way out. */
export function defaultRoutes(
  index: number,
  { info, ipv4, ipv6 }: NetworkRecord,
  options?: DefaultRouteOptions,
): RouteRequest[] {
  if (info.internal) return []
  const onLink = info.driver === 'ipvlan' && info.mode !== 'l2' // packets go to the parent, whoever they are for
  return [ipv4, ...(ipv6 === undefined ? [] : [ipv6])].map(({ gateway }) =>
    newDefaultRoute(index, onLink ? gateway.family : gateway, options),
  )
}

/**
 * Cuts an endpoint off. Of a veth pair the host's end is set down, and left to be deleted; with a namespace to look into
 * it is deleted at once, with its routes, as are links of other drivers.
 */
export function takeLinkDown(
  network: OpenNetwork,
  { ifname, name }: Pick<EndpointInfo, 'ifname' | 'name'>,
  { leaveLink = false, netnsFd }: DetachOptions = {},
): void {
  if (ifname !== null && netnsFd !== undefined) {
    unless(network.route, 'ENODEV', deleteLink(ifname))
    return
  }
  if (ifname !== null) {
    const request = setLinkDownInGroup(ifname, reapedGroup(network.record.subnet))
    if (unless(network.route, 'ENODEV', request) && !leaveLink) network.reaper.schedule()
    return
  }
  if (leaveLink || netnsFd === undefined) return
  using socket = routeSocketIn(netnsFd)
  const link = findLink(socket, name)
  if (link?.kind === network.record.info.driver) exchangeRoute(socket, [deleteLink(name)])
}
