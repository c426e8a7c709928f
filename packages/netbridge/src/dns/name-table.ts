import { contains, parseIpv4, type Subnet } from '../address/ipv4.js'

/** What a network knows of somebody on it. */
export interface NamedEndpoint {
  readonly id: string
  readonly names: readonly string[]
  readonly address: string
}

/** Who is called what, in both directions. */
export type Names = Pick<NameTable, 'addressesOf' | 'namesOf'>

/** The names of a network's endpoints and their addresses, in both directions. */
export class NameTable {
  readonly #subnet: Subnet
  readonly #suffix: string
  readonly #addresses = new Map<string, string[]>()
  readonly #names = new Map<string, string[]>()
  #turn = 0

  /** @param network - Name of the network: `NAME.NETWORK` is the same as `NAME`. */
  constructor(network: string, subnet: Subnet, endpoints: Iterable<NamedEndpoint>) {
    this.#subnet = subnet
    this.#suffix = `.${network.toLowerCase()}`
    for (const { id, names, address } of endpoints) {
      const all = [...new Set([...names, shortId(id)].map((name) => name.toLowerCase()))]
      this.#names.set(
        address,
        all.map((name) => `${name}${this.#suffix}`),
      )
      for (const name of all) this.#addresses.set(name, [...(this.#addresses.get(name) ?? []), address])
    }
  }

  /** Addresses of a name, each time another one first; undefined when nobody has it. */
  addressesOf(name: string): readonly string[] | undefined {
    const lower = name.toLowerCase()
    const found =
      this.#addresses.get(lower) ??
      (lower.endsWith(this.#suffix) ? this.#addresses.get(lower.slice(0, -this.#suffix.length)) : undefined)
    if (found === undefined || found.length < 2) return found
    const first = this.#turn++ % found.length
    return [...found.slice(first), ...found.slice(0, first)]
  }

  /** Names of an address, in full; undefined when it is not of this network, so that others may know it. */
  namesOf(address: string): readonly string[] | undefined {
    const number = parseIpv4(address)
    if (number === undefined || !contains(this.#subnet, number)) return undefined
    return this.#names.get(address) ?? []
  }
}

/** The first twelve digits of a container's id, as it is its host name; other ids are names as they are. */
function shortId(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id
}
