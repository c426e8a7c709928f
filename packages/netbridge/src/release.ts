import { isIPv6 } from 'node:net'
import { portOwner, takeLinkDown } from './attach.js'
import type { OpenNetwork } from './network-context.js'
import { hostLinkName, isHostLinkName } from './bridge.js'
import type { DetachOptions, EndpointInfo } from './endpoint.js'
import { takeIfbDown } from './endpoint-bandwidth.js'
import { getPorts, readLink } from './netlink/link-messages.js'
import { exchangeRoute } from './netlink/route-request.js'
import type { PublishedPort } from './ports.js'
import { releasePorts } from './publish.js'
import { dismiss, dismissedOf } from './tables.js'

/** Everything that an endpoint holds. */
export interface Holdings {
  readonly id: string
  readonly ports: readonly PublishedPort[]
  /** Of both families. */
  readonly addresses: readonly string[]
  /** Its interface inside, as far as that is known. */
  readonly name: string
}

/** What an endpoint that was attached whole holds. */
export function holdingsOf({ id, ports, address, ipv6, name }: EndpointInfo): Holdings {
  return { id, ports, name, addresses: ipv6 === null ? [address] : [address, ipv6.address] }
}

/**
 * Takes back what an endpoint holds: from the kernel first, then from the files, so that what is left when it
 * fails half-way can be found and taken back again.
 */
export function releaseHoldings(
  network: OpenNetwork,
  { id, ports, addresses, name }: Holdings,
  options: DetachOptions = {},
): void {
  const { record, endpoints, pool, pool6, reservations } = network
  // what was recorded says more than the claims; without a record nothing has come into the tables
  const recorded = endpoints.get(id)
  if (recorded === undefined) dismiss(network, { id, ports, ipv6: true, sender: undefined })
  else dismiss(network, { ...dismissedOf(recorded), ports })
  const isLimited = recorded === undefined || recorded.bandwidth?.egressRate !== undefined
  if (record.bridge === undefined) takeLinkDown(network, { ifname: null, name }, options)
  else {
    for (const ifname of addresses.filter((each) => !isIPv6(each)).map(hostLinkName)) {
      takeLinkDown(network, { ifname, name }, options)
      if (isLimited) takeIfbDown(network, ifname)
    }
  }
  releasePorts({ claims: network.ports, reservations, owner: portOwner(network, id) }, ports)
  for (const address of addresses) (isIPv6(address) ? pool6 : pool)?.release(address, id)
}

/** What each id holds according to all files, complete or not. */
export function allHoldings(network: OpenNetwork): Map<string, Holdings> {
  const all = new Map<string, { id: string; ports: PublishedPort[]; addresses: string[]; name: string }>()
  const of = (id: string): { ports: PublishedPort[]; addresses: string[] } => {
    const holdings = all.get(id) ?? { id, ports: [], addresses: [], name: 'eth0' }
    all.set(id, holdings)
    return holdings
  }
  for (const id of network.endpoints.ids()) of(id)
  for (const pool of [network.pool, network.pool6])
    for (const [address, id] of pool?.entries() ?? []) of(id).addresses.push(address)
  const prefix = portOwner(network, '')
  for (const [port, owner] of network.ports.entries()) {
    if (owner.startsWith(prefix)) of(owner.slice(prefix.length)).ports.push({ ...port, container: 0 })
  }
  return all
}

/** Deletes links on the bridge that no endpoint has. */
export function reapOrphans(network: OpenNetwork): void {
  const { record, linkIndex, route, endpoints } = network
  if (record.bridge === undefined) return
  const wanted = new Set(endpoints.list().map(({ ifname }) => ifname))
  for (const message of exchangeRoute(route, [getPorts(linkIndex)])) {
    const { name, master } = readLink(message)
    if (master === linkIndex && isHostLinkName(name) && !wanted.has(name))
      takeLinkDown(network, { ifname: name, name })
  }
}
