import type { Names } from './name-table.js'

/**
 * The names of a network as somebody sees them who has further ones for some of them.
 *
 * @param links - Names of the network, by those further ones, which are looked for first.
 */
export function withLinks(names: Names, links: Readonly<Record<string, string>>): Names {
  const linked = new Map(Object.entries(links).map(([link, name]) => [link.toLowerCase(), name]))
  return {
    addressesOf: (name) => names.addressesOf(linked.get(name.toLowerCase()) ?? name),
    namesOf: (address) => names.namesOf(address),
  }
}
