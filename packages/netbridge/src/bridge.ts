import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { ipBytes, parseIp } from './address/ip.js'
import { ipv4Bytes, type Subnet } from './address/ipv4.js'
import { isNetbridgeError, NetbridgeError } from './errors.js'
import { newAddress } from './netlink/address-messages.js'
import { getLink, newBridge, readLink, setLinkUp, type LinkInfo } from './netlink/link-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute, type RouteRequest } from './netlink/route-request.js'
import { stateError } from './state/files.js'
import type { BridgeRecord, NetworkRecord } from './state/network-record.js'

/** The link of that name in the socket's network namespace; undefined when there is none. */
export function findLink(socket: NetlinkSocket, name: string): LinkInfo | undefined {
  try {
    return exchangeRoute(socket, [getLink(name)]).map(readLink)[0]
  } catch (error) {
    if (isNetbridgeError(error) && error.errnoCode === 'ENODEV') return undefined
    throw error
  }
}

/** Sends requests; false when the kernel answers with this error first. */
export function unless(
  socket: NetlinkSocket,
  errnoCode: string,
  ...requests: readonly RouteRequest[]
): boolean {
  try {
    exchangeRoute(socket, requests)
    return true
  } catch (error) {
    if (isNetbridgeError(error) && error.errnoCode === errnoCode) return false
    throw error
  }
}

/**
 * Makes the bridge of a network, with its addresses, or completes the one that is there.
 *
 * @returns Its index.
 */
export function ensureBridge(
  socket: NetlinkSocket,
  { bridge, gateway, mtu, ipv4, ipv6 }: BridgeRecord,
): number {
  const existing = findLink(socket, bridge)
  if (existing === undefined) unless(socket, 'EEXIST', newBridge(bridge, localMac(gateway), mtu))
  const link = existing ?? findLink(socket, bridge)
  if (link?.kind !== 'bridge') {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_EXISTS',
      `cannot use ${bridge} as bridge: a link of that name is none`,
    )
  }
  if (!link.up) exchangeRoute(socket, [setLinkUp(link.index, bridge)])
  for (const plan of [ipv4, ...(ipv6 === undefined ? [] : [ipv6])])
    unless(socket, 'EEXIST', newAddress(link.index, bridge, plan.gateway, plan.subnet.prefixLength))
  return link.index
}

/** A locally administered hardware address that goes with an IPv4 address. */
export function localMac(address: number): Uint8Array {
  return Uint8Array.of(0x02, 0x43, ...ipv4Bytes(address))
}

/** Name of the host's end of the veth pair that leads to an IPv4 address: unique among all networks of the host. */
export function hostLinkName(address: string): string {
  return `ctr${Buffer.from(ipBytes(parseIp(address)!)).toString('hex')}`
}

/** True for names that {@link hostLinkName} gives. */
export function isHostLinkName(name: string): boolean {
  return /^ctr[0-9a-f]{8}$/.test(name)
}

/** Number of the link group in which links of a network wait for their deletion: its first address. */
export function reapedGroup(subnet: Subnet): number {
  return subnet.base
}

/**
 * Lets the kernel forward packets (`net.ipv4.ip_forward`), and lets those of localhost that lead to published
 * ports out over the bridge (`net.ipv4.conf.BRIDGE.route_localnet`; it goes with the bridge).
 */
export function enableForwarding({ bridge, ipv6 }: BridgeRecord): void {
  ensureSysctl('net/ipv4/ip_forward', '1')
  ensureSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1')
  if (ipv6 !== undefined) enableForwarding6()
}

/**
 * `net.ipv6.conf.all.forwarding`. A host that forwards takes no addresses and routes from router advertisements any
 * more, unless it is told to (`accept_ra` 2): interfaces that did so before go on.
 */
function enableForwarding6(): void {
  if (readSysctl('net/ipv6/conf/all/forwarding') === '1') return
  for (const name of readdirSync('/proc/sys/net/ipv6/conf')) {
    const path = `net/ipv6/conf/${name}/accept_ra`
    if (name !== 'all' && readSysctl(path) === '1') ensureSysctl(path, '2')
  }
  ensureSysctl('net/ipv6/conf/all/forwarding', '1')
}

/** Lets the kernel tell neighbours of the addresses of an interface when it is set up, in the thread's namespace. */
export function announceAddresses(name: string): void {
  ensureSysctl(`net/ipv4/conf/${name}/arp_notify`, '1')
  if (readSysctl(`net/ipv6/conf/${name}/ndisc_notify`) !== undefined)
    ensureSysctl(`net/ipv6/conf/${name}/ndisc_notify`, '1')
}

function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim()
  } catch {
    return undefined // an interface that is gone, or no IPv6 at all, which writing reports
  }
}

function ensureSysctl(name: string, value: string): void {
  const path = `/proc/sys/${name}`
  try {
    if (readSysctl(name) !== value) writeFileSync(path, value)
  } catch (error) {
    throw stateError(`set ${path} to ${value}`, error)
  }
}

/** For messages: what a network is. */
export function describeNetwork({ name, info }: NetworkRecord): string {
  const subnets = info.subnets.map(({ subnet, gateway }) => `${subnet}, gateway ${gateway}`)
  return `network ${name} (${subnets.join('; ')})`
}
