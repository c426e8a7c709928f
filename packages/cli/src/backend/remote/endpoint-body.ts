import type { NetworkAttachment } from '@ctr/runtime'
import { set } from './set.js'

/** How a container is on a network, in the words of the API. */
export function endpointBody({
  aliases,
  ip,
  ip6,
  linkLocalIps,
  mac,
  gatewayPriority,
}: Omit<NetworkAttachment, 'name'>): Record<string, unknown> {
  const addresses = set({ IPv4Address: ip, IPv6Address: ip6, LinkLocalIPs: linkLocalIps })
  const IPAMConfig = Object.keys(addresses).length === 0 ? undefined : addresses
  return set({ Aliases: aliases, IPAMConfig, MacAddress: mac, GwPriority: gatewayPriority })
}
