import * as nft from './constants.js'
import type { NftSet } from './transaction.js'

// numbers by which nft(8) knows the types of keys and values; a concatenation has six bits a part
const IPV4_ADDR = 7
const IPV6_ADDR = 8
const ETHER_ADDR = 9
const INET_PROTO = 12
const INET_SERVICE = 13
const IFNAME = 41
/** Bytes of each in a register: multiples of four. */
const sizes: Readonly<Record<number, number>> = {
  [IPV4_ADDR]: 4,
  [IPV6_ADDR]: 16,
  [ETHER_ADDR]: 8,
  [INET_PROTO]: 4,
  [INET_SERVICE]: 4,
  [IFNAME]: 16,
}
const kinds = {
  [IPV4_ADDR]: 'address',
  [IPV6_ADDR]: 'address',
  [ETHER_ADDR]: 'mac',
  [INET_PROTO]: 'protocol',
  [INET_SERVICE]: 'port',
  [IFNAME]: 'interface',
} as const
const concatenation = (types: readonly number[]): number => types.reduce((all, type) => all * 64 + type, 0)
const sizeOf = (types: readonly number[]): number => types.reduce((all, type) => all + sizes[type]!, 0)

/** Bridges of the instance. */
export const BRIDGES = 'bridges'
/** Pairs of bridges between which packets may pass. */
export const INSIDE = 'inside'
/** Bridges that nothing leads into or out of. */
export const INTERNAL = 'internal'
/** Subnets of all networks. */
export const MEMBERS = 'members'
export const MEMBERS6 = 'members6'
/** Subnets that are masqueraded on their way out. */
export const SUBNETS = 'subnets'
export const SUBNETS6 = 'subnets6'
/** Where published ports lead: of every address of the host, and of a single one. */
export const PORTS = 'ports'
export const PORTS_AT = 'ports_at'
export const PORTS6 = 'ports6'
export const PORTS6_AT = 'ports6_at'

/** Sets and maps of the table `inet INSTANCE`. */
export const sets: readonly NftSet[] = [
  { name: BRIDGES, flags: 0, keyType: IFNAME, keyLength: 16, keyByteOrder: 1 },
  keySet(INSIDE, [IFNAME, IFNAME]),
  { name: INTERNAL, flags: 0, keyType: IFNAME, keyLength: 16, keyByteOrder: 1 },
  { name: MEMBERS, flags: nft.NFT_SET_INTERVAL, keyType: IPV4_ADDR, keyLength: 4, keyByteOrder: 2 },
  { name: MEMBERS6, flags: nft.NFT_SET_INTERVAL, keyType: IPV6_ADDR, keyLength: 16, keyByteOrder: 2 },
  { name: SUBNETS, flags: nft.NFT_SET_INTERVAL, keyType: IPV4_ADDR, keyLength: 4, keyByteOrder: 2 },
  { name: SUBNETS6, flags: nft.NFT_SET_INTERVAL, keyType: IPV6_ADDR, keyLength: 16, keyByteOrder: 2 },
  portMap(PORTS, [INET_PROTO, INET_SERVICE], IPV4_ADDR),
  portMap(PORTS_AT, [IPV4_ADDR, INET_PROTO, INET_SERVICE], IPV4_ADDR),
  portMap(PORTS6, [INET_PROTO, INET_SERVICE], IPV6_ADDR),
  portMap(PORTS6_AT, [IPV6_ADDR, INET_PROTO, INET_SERVICE], IPV6_ADDR),
]

/** Links whose senders are checked. */
export const GUARDED = 'guarded'
/** Who may send over which link. */
export const SENDERS = 'senders'
export const SENDERS4 = 'senders4'
export const SENDERS6 = 'senders6'

/** Sets of the table `bridge INSTANCE`. */
export const bridgeSets: readonly NftSet[] = [
  { name: GUARDED, flags: 0, keyType: IFNAME, keyLength: 16, keyByteOrder: 1 },
  keySet(SENDERS, [IFNAME, ETHER_ADDR]),
  keySet(SENDERS4, [IFNAME, ETHER_ADDR, IPV4_ADDR]),
  keySet(SENDERS6, [IFNAME, ETHER_ADDR, IPV6_ADDR]),
]

/** What a key or a value of these sets is made of, and how many bytes of a register each part takes. */
export function keyParts(
  type: number,
): { readonly kind: (typeof kinds)[keyof typeof kinds]; readonly size: number }[] {
  const parts: { kind: (typeof kinds)[keyof typeof kinds]; size: number }[] = []
  for (let rest = type; rest > 0; rest = Math.floor(rest / 64)) {
    const one = (rest % 64) as keyof typeof kinds
    parts.unshift({ kind: kinds[one], size: sizes[one]! })
  }
  return parts
}

function keySet(name: string, key: readonly number[]): NftSet {
  return { name, flags: 0, keyType: concatenation(key), keyLength: sizeOf(key), keyByteOrder: 0 }
}

function portMap(name: string, key: readonly number[], address: number): NftSet {
  const value = [address, INET_SERVICE]
  return {
    ...keySet(name, key),
    flags: nft.NFT_SET_MAP,
    dataType: concatenation(value),
    dataLength: sizeOf(value),
  }
}
