import { formatIp, ipBytes, ipOf, parseIp } from '../address/ip.js'
import { unless } from '../bridge.js'
import {
  deleteNeighbour,
  getNeighbours,
  newNeighbour,
  readNeighbour,
  type Neighbour,
} from '../netlink/neighbour-messages.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import { exchangeRoute } from '../netlink/route-request.js'
import { checkMac, formatMac } from '../validate.js'
import type { OverlayPeer } from './definition.js'

/** Links of a network, by their indices. */
export interface OverlayLinks {
  readonly bridge: number
  readonly vxlan: number
}

const everybody = new Uint8Array(6)

/**
 * Lets the kernel send frames to peers, and to nobody else: what is for a container of theirs to its host alone, what is
 * for all to each of them; and answer in their place when a container of this host asks for one of theirs
 * (`bridge fdb`, `ip neighbour`). What is there already is left as it is, so nothing is lost meanwhile.
 */
export function forwardTo(socket: NetlinkSocket, links: OverlayLinks, peers: readonly OverlayPeer[]): void {
  const wanted = new Map(
    peers.flatMap((peer) => entriesOf(links, peer)).map((each) => [identity(each), each]),
  )
  const found = new Map(readEntries(socket, links).map((each) => [identity(each), each]))
  const missing = [...wanted].filter(([key, entry]) => !isSame(entry, found.get(key)))
  const stale = [...found].filter(([key]) => !wanted.has(key))
  if (missing.length > 0)
    exchangeRoute(
      socket,
      missing.map(([, entry]) => newNeighbour(entry)),
    )
  for (const [, entry] of stale) unless(socket, 'ENOENT', deleteNeighbour(entry))
}

function entriesOf({ bridge, vxlan }: OverlayLinks, { address, endpoints }: OverlayPeer): Neighbour[] {
  const host = bytesOf(address)
  return [
    { table: 'vxlan', index: vxlan, mac: everybody, address: host },
    ...endpoints.flatMap((endpoint): Neighbour[] => {
      const mac = checkMac(endpoint.mac)
      return [
        { table: 'vxlan', index: vxlan, mac, address: host },
        { table: 'bridge', index: vxlan, mac, address: undefined },
        { table: 'ipv4', index: bridge, mac, address: bytesOf(endpoint.address) },
        ...(endpoint.ipv6 === null
          ? []
          : [{ table: 'ipv6', index: bridge, mac, address: bytesOf(endpoint.ipv6) } as const]),
      ]
    }),
  ]
}

function readEntries(socket: NetlinkSocket, { bridge, vxlan }: OverlayLinks): Neighbour[] {
  return (['vxlan', 'ipv4', 'ipv6'] as const) // that of VXLAN is told of together with that of the bridge
    .flatMap((table) => exchangeRoute(socket, [getNeighbours(table)]))
    .flatMap((message) => readNeighbour(message) ?? [])
    .filter(({ table, index, isSet }) => {
      const link = table === 'ipv4' || table === 'ipv6' ? bridge : vxlan
      return isSet && index === link
    })
}

/** What there can be one of. */
function identity({ table, mac, address }: Neighbour): string {
  const hasAddress = table === 'ipv4' || table === 'ipv6' || mac.every((byte) => byte === 0)
  return `${table} ${hasAddress && address !== undefined ? formatIp(ipOf(address)) : formatMac(mac)}`
}

function isSame(entry: Neighbour, found: Neighbour | undefined): boolean {
  return (
    found !== undefined &&
    Buffer.compare(entry.mac, found.mac) === 0 &&
    (entry.table === 'bridge' || Buffer.compare(entry.address!, found.address ?? everybody) === 0)
  )
}

function bytesOf(address: string): Uint8Array {
  return ipBytes(parseIp(address)!)
}
