import { parseIpv4 } from './address/ipv4.js'
import { portOwner, takeLinkDown, type OpenNetwork } from './attach.js'
import { hostLinkName, isHostLinkName } from './bridge.js'
import type { PublishedPort } from './ports.js'
import { getPorts, readLink } from './netlink/link-messages.js'
import { exchangeRoute } from './netlink/route-request.js'

/** Everything that an endpoint holds. */
export interface Holdings {
  readonly id: string
  readonly ports: readonly PublishedPort[]
  readonly addresses: readonly string[]
}

/**
 * Takes back what an endpoint holds: from the kernel first, then from the files, so that what is left when it
 * fails half-way can be found and taken back again.
 *
 * @param leaveLink - The link goes with the network namespace; do not delete it.
 */
export function releaseHoldings(
  network: OpenNetwork,
  { id, ports, addresses }: Holdings,
  leaveLink = false,
): void {
  network.table.unpublish(ports)
  for (const address of addresses) takeLinkDown(network, hostLinkName(parseIpv4(address) ?? 0), leaveLink)
  network.endpoints.remove(id)
  for (const port of ports) network.state.ports.release(port, portOwner(network, id))
  for (const address of addresses) network.pool.release(address, id)
}

/** What each id holds according to all files, complete or not. */
export function allHoldings(network: OpenNetwork): Map<string, Holdings> {
  const all = new Map<string, { id: string; ports: PublishedPort[]; addresses: string[] }>()
  const of = (id: string): { ports: PublishedPort[]; addresses: string[] } => {
    const holdings = all.get(id) ?? { id, ports: [], addresses: [] }
    all.set(id, holdings)
    return holdings
  }
  for (const id of network.endpoints.ids()) of(id)
  for (const [address, id] of network.pool.entries()) of(id).addresses.push(address)
  const prefix = portOwner(network, '')
  for (const [port, owner] of network.state.ports.entries()) {
    if (owner.startsWith(prefix)) of(owner.slice(prefix.length)).ports.push({ ...port, container: 0 })
  }
  return all
}

/** Deletes links on the bridge that no endpoint has. */
export function reapOrphans(network: OpenNetwork): void {
  const wanted = new Set(network.endpoints.list().map(({ ifname }) => ifname))
  for (const message of exchangeRoute(network.route, [getPorts(network.bridgeIndex)])) {
    const { name, master } = readLink(message)
    if (master === network.bridgeIndex && isHostLinkName(name) && !wanted.has(name))
      takeLinkDown(network, name)
  }
}
