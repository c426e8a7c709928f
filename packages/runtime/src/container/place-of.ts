import type { NetworkAttachment } from './network-option.js'
import type { ContainerNetwork } from './record.js'

/** What is kept of how a container is to be on a network. */
export type PlannedPlace = Omit<ContainerNetwork, 'address' | 'ipv6' | 'mac'>

/** A place on a network, the container being on `at` others before. */
export function placeOf(
  { name, aliases = [], links, interface: ifname, gatewayPriority, ...wanted }: NetworkAttachment,
  at: number,
): PlannedPlace {
  return {
    ...{ name, aliases, wanted, interface: ifname ?? `eth${at}` },
    ...(links === undefined ? {} : { links }),
    ...(gatewayPriority === undefined ? {} : { gatewayPriority }),
    ...(ifname === undefined ? {} : { wantedInterface: ifname }),
  }
}
