import { readFileSync } from 'node:fs'
import { NETLINK_ROUTE } from '@ctr/linux'
import { formatIpSubnet, ipOf, type Family } from '../address/ip.js'
import { findLink } from '../bridge.js'
import type { EndpointInfo } from '../endpoint.js'
import type { NetworkInfo } from '../network-info.js'
import { getRoutes, readRoute } from '../netlink/address-messages.js'
import { getPorts, readLink, type LinkInfo } from '../netlink/link-messages.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import { exchangeRoute } from '../netlink/route-request.js'
import type { OverlayPeer } from '../overlay/definition.js'
import type { NetworkRecord } from '../state/network-record.js'
import { journeys, type Journey } from './journeys.js'
import { readTables, type ExplainedChain, type ExplainedTable } from './read-tables.js'

/** A network and everything in the kernel that makes its packets travel as they do, as it is now. */
export interface NetworkExplanation {
  readonly info: NetworkInfo
  readonly endpoints: readonly EndpointInfo[]
  /** The other hosts of an overlay network, as last heard of. */
  readonly peers: readonly OverlayPeer[]
  /** How packets travel, case by case. */
  readonly journeys: readonly Journey[]
  /** Its bridge and the host's ends of its containers, or the parent. Empty when they are not there. */
  readonly links: readonly LinkInfo[]
  /** Routes of the host that lead out of its bridge or parent, in CIDR form. */
  readonly routes: readonly string[]
  /** Kernel parameters that matter, by name; those that the kernel lacks are left out. */
  readonly sysctls: Readonly<Record<string, string>>
  /** Tables of the instance: they are for all its networks. Of networks with a bridge. */
  readonly tables: readonly ExplainedTable[]
  /** Rules of the instance in chains of others. */
  readonly others: readonly ExplainedChain[]
}

/** Reads it all back from the kernel. */
export function explainNetwork(
  instance: string,
  record: NetworkRecord,
  endpoints: readonly EndpointInfo[],
  peers: readonly OverlayPeer[] = [],
): NetworkExplanation {
  using socket = new NetlinkSocket(NETLINK_ROUTE)
  const link = findLink(socket, record.bridge ?? record.info.parent ?? '')
  const ports = link === undefined || record.bridge === undefined ? [] : portsOf(socket, link.index)
  const { tables, others } = record.bridge === undefined ? { tables: [], others: [] } : readTables(instance)
  return {
    info: record.info,
    endpoints,
    peers,
    journeys: journeys(record, endpoints, peers),
    links: link === undefined ? [] : [link, ...ports],
    routes:
      link === undefined ? [] : ([4, 6] as const).flatMap((family) => routesBy(socket, family, link.index)),
    sysctls: readSysctls(record),
    tables,
    others,
  }
}

function portsOf(socket: NetlinkSocket, bridge: number): LinkInfo[] {
  return exchangeRoute(socket, [getPorts(bridge)])
    .map(readLink)
    .filter(({ master }) => master === bridge)
}

function routesBy(socket: NetlinkSocket, family: Family, index: number): string[] {
  return exchangeRoute(socket, [getRoutes(family)])
    .map(readRoute)
    .filter(({ interfaceIndex, isLocal }) => interfaceIndex === index && !isLocal)
    .map(({ destination, prefixLength }) => {
      if (destination === undefined) return family === 4 ? '0.0.0.0/0' : '::/0'
      return formatIpSubnet({ family, base: ipOf(destination).value, prefixLength })
    })
}

function readSysctls({ bridge, ipv6 }: NetworkRecord): Record<string, string> {
  if (bridge === undefined) return {}
  const names = [
    'net/ipv4/ip_forward',
    `net/ipv4/conf/${bridge}/route_localnet`,
    ...(ipv6 === undefined ? [] : ['net/ipv6/conf/all/forwarding']),
    'net/bridge/bridge-nf-call-iptables',
  ]
  return Object.fromEntries(
    names.flatMap((name) => {
      try {
        return [[name.replaceAll('/', '.'), readFileSync(`/proc/sys/${name}`, 'utf8').trim()]]
      } catch {
        return []
      }
    }),
  )
}
