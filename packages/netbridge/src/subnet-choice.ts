import { AF_INET } from '@ctr/linux'
import { formatSubnet, overlap, type Subnet } from './address/ipv4.js'
import { NetbridgeError } from './errors.js'
import { getRoutes, readRoute } from './netlink/address-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'

/** A range of addresses that the host reaches over one of its interfaces. */
export interface HostRoute {
  readonly subnet: Subnet
  readonly interfaceIndex: number | undefined
}

/** Private ranges (RFC 1918) in the order in which they are tried. */
const candidates: readonly Subnet[] = [
  ...[30, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16].map((second) =>
    range(172, second, 0, 16),
  ),
  ...Array.from({ length: 16 }, (_, index) => range(192, 168, index * 16, 20)),
  ...Array.from({ length: 128 }, (_, index) => range(10, index + 64, 0, 16)),
]

function range(first: number, second: number, third: number, prefixLength: number): Subnet {
  return { base: first * 2 ** 24 + second * 2 ** 16 + third * 2 ** 8, prefixLength }
}

/**
 * A private subnet that no route of the host overlaps.
 *
 * @param refused - Subnets that turned out to be in use meanwhile.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_POOL_EXHAUSTED`.
 */
export function chooseSubnet(routes: readonly HostRoute[], refused: readonly Subnet[] = []): Subnet {
  const taken = [...routes.map(({ subnet }) => subnet), ...refused]
  const free = candidates.find((candidate) => !taken.some((other) => overlap(candidate, other)))
  if (free === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_POOL_EXHAUSTED',
      'cannot choose a subnet: every private range overlaps a route of the host, so name one with `subnet`',
    )
  }
  return free
}

/**
 * The route that overlaps a subnet over another interface; undefined when there is none.
 *
 * @param interfaceIndex - The interface whose own routes do not count.
 */
export function conflictingRoute(
  routes: readonly HostRoute[],
  subnet: Subnet,
  interfaceIndex?: number,
): HostRoute | undefined {
  return routes.find((route) => route.interfaceIndex !== interfaceIndex && overlap(route.subnet, subnet))
}

/** The error for a subnet that the host reaches elsewhere. */
export function subnetConflict(subnet: Subnet, route: HostRoute): NetbridgeError {
  return new NetbridgeError(
    'ERR_NETBRIDGE_SUBNET_CONFLICT',
    `cannot use subnet ${formatSubnet(subnet)}: the host has a route to ${formatSubnet(route.subnet)}`,
  )
}

/** Every IPv4 route of the host but the default routes, of every table (`ip -4 route show table all`). */
export function hostRoutes(socket: NetlinkSocket): HostRoute[] {
  return exchangeRoute(socket, [getRoutes()]).flatMap((message) => {
    const { family, prefixLength, destination, interfaceIndex } = readRoute(message)
    const multicast = (destination?.[0] ?? 0) >= 224
    // a route to half of everything is a default route of a VPN
    if (family !== AF_INET || prefixLength < 8 || destination?.length !== 4 || multicast) return []
    return [{ subnet: { base: destination.readUInt32BE(0), prefixLength }, interfaceIndex }]
  })
}
