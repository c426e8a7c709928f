import type { PublishedPort } from '../ports.js'
import { portAtKey, portKey, targetValue } from './elements.js'
import { PORTS, PORTS6, PORTS6_AT, PORTS_AT } from './sets.js'
import type { Element } from './transaction.js'

/** Addresses that published ports lead to. */
export interface Targets {
  readonly address: string
  /** Undefined: nothing leads there by IPv6. */
  readonly address6?: string | undefined
}

/** Published ports and the container that they lead to. */
export interface Publication extends Targets {
  readonly ports: readonly PublishedPort[]
}

/**
 * Elements of published ports by the map that they belong to, empty ones left out.
 *
 * @param targets - Unset to delete them; then those of both families are named, unless `ipv6` says that there are none.
 */
export function portElements(
  ports: readonly PublishedPort[],
  targets?: Targets,
  ipv6 = true,
): readonly (readonly [map: string, elements: readonly Element[]])[] {
  const maps = new Map<string, Element[]>()
  const add = (map: string, key: Uint8Array, target: string | undefined, port: number): void => {
    if (targets !== undefined && target === undefined) return
    if (!ipv6 && map !== PORTS && map !== PORTS_AT) return
    const list = maps.get(map) ?? []
    list.push(target === undefined ? { key } : { key, data: targetValue(target, port) })
    maps.set(map, list)
  }
  for (const { hostIp, host, protocol, container } of ports) {
    const everywhere = portKey(protocol, host)
    const at = (): Uint8Array => portAtKey(hostIp, protocol, host)
    if (hostIp === '0.0.0.0') add(PORTS, everywhere, targets?.address, container)
    if (hostIp === '0.0.0.0' || hostIp === '::') add(PORTS6, everywhere, targets?.address6, container)
    else if (hostIp.includes(':')) add(PORTS6_AT, at(), targets?.address6, container)
    else add(PORTS_AT, at(), targets?.address, container)
  }
  return [...maps]
}
