import { randomBytes } from 'node:crypto'
import { AF_INET, AF_INET6 } from '@ctr/linux'
import { formatIpSubnet, ipOf, overlapIp, parseIpSubnet, type Family, type IpSubnet } from './address/ip.js'
import { NetbridgeError } from './errors.js'
import { getRoutes, readRoute } from './netlink/address-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'

/** A range of addresses that the host reaches over one of its interfaces. */
export interface HostRoute {
  readonly subnet: IpSubnet
  readonly interfaceIndex: number | undefined
}

/** Private ranges (RFC 1918) in the order in which they are tried. */
const candidates: readonly IpSubnet[] = [
  ...[30, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16].map((second) =>
    range(172, second, 0, 16),
  ),
  ...Array.from({ length: 16 }, (_, index) => range(192, 168, index * 16, 20)),
  ...Array.from({ length: 128 }, (_, index) => range(10, index + 64, 0, 16)),
]

function range(first: number, second: number, third: number, prefixLength: number): IpSubnet {
  return { family: 4, base: BigInt(first * 2 ** 24 + second * 2 ** 16 + third * 2 ** 8), prefixLength }
}

/**
 * A private IPv4 subnet that no route of the host overlaps.
 *
 * @param refused - Subnets of other networks, or that turned out to be in use meanwhile.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_POOL_EXHAUSTED`.
 */
export function chooseSubnet(routes: readonly HostRoute[], refused: readonly IpSubnet[] = []): IpSubnet {
  const taken = [...routes.map(({ subnet }) => subnet), ...refused]
  const free = candidates.find((candidate) => !taken.some((other) => overlapIp(candidate, other)))
  if (free === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_POOL_EXHAUSTED',
      'cannot choose a subnet: every private range overlaps a route of the host, so name one with `subnet`',
    )
  }
  return free
}

/** A unique local subnet of 64 bits (RFC 4193), with a random global id and subnet number. */
export function chooseUniqueLocal(): IpSubnet {
  const bytes = new Uint8Array(16)
  bytes.set(randomBytes(7), 1)
  bytes[0] = 0xfd
  return { family: 6, base: ipOf(bytes).value, prefixLength: 64 }
}

/**
 * The route that overlaps a subnet over another interface; undefined when there is none.
 *
 * @param interfaceIndex - The interface whose own routes do not count.
 */
export function conflictingRoute(
  routes: readonly HostRoute[],
  subnet: IpSubnet,
  interfaceIndex?: number,
): HostRoute | undefined {
  return routes.find((route) => route.interfaceIndex !== interfaceIndex && overlapIp(route.subnet, subnet))
}

/** The error for a subnet that the host reaches elsewhere. */
export function subnetConflict(subnet: IpSubnet, route: HostRoute): NetbridgeError {
  return new NetbridgeError(
    'ERR_NETBRIDGE_SUBNET_CONFLICT',
    `cannot use subnet ${formatIpSubnet(subnet)}: the host has a route to ${formatIpSubnet(route.subnet)}`,
  )
}

/**
 * Every route of the host but the default routes, of every table (`ip route show table all`, `ip -6 route …`), without
 * what every host has: multicast and link-local ones.
 */
export function hostRoutes(socket: NetlinkSocket, family: Family): HostRoute[] {
  return exchangeRoute(socket, [getRoutes(family)]).flatMap((message) => {
    const { family: number, prefixLength, destination, interfaceIndex } = readRoute(message)
    const wanted = number === (family === 4 ? AF_INET : AF_INET6)
    // a route to half of everything is a default route of a VPN
    if (!wanted || prefixLength < 8 || destination === undefined) return []
    const subnet = { family, base: ipOf(destination).value, prefixLength }
    if (everywhere.some((range) => overlapIp(range, subnet))) return []
    return [{ subnet, interfaceIndex }]
  })
}

const everywhere = ['224.0.0.0/3', 'fe80::/10', 'ff00::/8'].map((text) => parseIpSubnet(text)!)
