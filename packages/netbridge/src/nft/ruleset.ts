import * as nft from './constants.js'
import {
  compare,
  conntrack,
  destinationNat,
  destinationType,
  inSet,
  lookup,
  masquerade,
  maskBits,
  meta,
  payload,
  verdict,
  type Expression,
} from './expression.js'
import type { Chain, NftSet, NftTransaction } from './transaction.js'

// numbers by which nft(8) knows the types of keys and values; a concatenation has six bits a part
const IPV4_ADDR = 7
const INET_PROTO = 12
const INET_SERVICE = 13
const IFNAME = 41
const concatenation = (...types: readonly number[]): number => types.reduce((all, type) => all * 64 + type, 0)
const IFNAME_SIZE = 16
const interfaceName = (name: string): Uint8Array => {
  const bytes = new Uint8Array(IFNAME_SIZE)
  bytes.set(Buffer.from(name))
  return bytes
}

/** Names of the sets and maps of the table. */
export const BRIDGES = 'bridges'
export const INSIDE = 'inside'
export const SUBNETS = 'subnets'
export const PORTS = 'ports'
export const PORTS_AT = 'ports_at'

const sets: readonly NftSet[] = [
  { name: BRIDGES, flags: 0, keyType: IFNAME, keyLength: IFNAME_SIZE, keyByteOrder: 1 },
  {
    name: INSIDE,
    flags: 0,
    keyType: concatenation(IFNAME, IFNAME),
    keyLength: 2 * IFNAME_SIZE,
    keyByteOrder: 0,
  },
  { name: SUBNETS, flags: nft.NFT_SET_INTERVAL, keyType: IPV4_ADDR, keyLength: 4, keyByteOrder: 2 },
  portMap(PORTS, [INET_PROTO, INET_SERVICE]),
  portMap(PORTS_AT, [IPV4_ADDR, INET_PROTO, INET_SERVICE]),
]

function portMap(name: string, key: readonly number[]): NftSet {
  return {
    name,
    flags: nft.NFT_SET_MAP,
    keyType: concatenation(...key),
    keyLength: 4 * key.length,
    dataType: concatenation(IPV4_ADDR, INET_SERVICE),
    dataLength: 8,
    keyByteOrder: 0,
  }
}

const chains: readonly Chain[] = [
  { name: 'guard', hook: { type: 'filter', number: nft.NF_INET_PRE_ROUTING, priority: -300 } },
  { name: 'publish' },
  { name: 'prerouting', hook: { type: 'nat', number: nft.NF_INET_PRE_ROUTING, priority: -100 } },
  { name: 'output', hook: { type: 'nat', number: nft.NF_INET_LOCAL_OUT, priority: -100 } },
  { name: 'postrouting', hook: { type: 'nat', number: nft.NF_INET_POST_ROUTING, priority: 100 } },
  { name: 'forward', hook: { type: 'filter', number: nft.NF_INET_FORWARD, priority: 0 } },
]

const ipv4 = [meta(nft.NFT_META_NFPROTO), compare(nft.NFT_CMP_EQ, Uint8Array.of(nft.NFPROTO_IPV4))]
const source = payload(nft.NFT_PAYLOAD_NETWORK_HEADER, 12, 4)
const loopback = (offset: number, operation: number): readonly Expression[] => [
  payload(nft.NFT_PAYLOAD_NETWORK_HEADER, offset, 1),
  compare(operation, Uint8Array.of(127)),
]
const toThisHost = [destinationType(), compare(nft.NFT_CMP_EQ, Uint8Array.of(nft.RTN_LOCAL, 0, 0, 0))]
const NO_BITS = Uint8Array.of(0, 0, 0, 0)
const CT_ESTABLISHED_OR_RELATED = 0x6
const IPS_DST_NAT = 0x20
const destinationChanged = [
  conntrack(nft.NFT_CT_STATUS),
  maskBits(IPS_DST_NAT),
  compare(nft.NFT_CMP_NEQ, NO_BITS),
]

const rules: readonly (readonly [chain: string, ...expressions: readonly Expression[]])[] = [
  // route_localnet lets 127.0.0.0/8 through a bridge for published ports; nobody may send there from outside
  [
    'guard',
    meta(nft.NFT_META_IIFNAME),
    inSet(BRIDGES),
    ...ipv4,
    ...loopback(16, nft.NFT_CMP_EQ),
    verdict(nft.NF_DROP),
  ],

  // an address of its own comes before every address
  [
    'publish',
    ...ipv4,
    payload(nft.NFT_PAYLOAD_NETWORK_HEADER, 16, 4),
    meta(nft.NFT_META_L4PROTO, 9),
    payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 10),
    lookup(PORTS_AT),
    destinationNat(),
  ],
  [
    'publish',
    meta(nft.NFT_META_L4PROTO),
    payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 9),
    lookup(PORTS),
    destinationNat(),
  ],
  // a port published on localhost is not for neighbours that send 127.0.0.1 over a wire
  ['prerouting', ...ipv4, ...loopback(16, nft.NFT_CMP_NEQ), ...toThisHost, verdict(nft.NFT_JUMP, 'publish')],
  ['output', ...ipv4, ...toThisHost, verdict(nft.NFT_JUMP, 'publish')],

  // from a container to the world; not from the bridge's address to this host itself
  [
    'postrouting',
    ...ipv4,
    source,
    inSet(SUBNETS),
    meta(nft.NFT_META_OIFNAME),
    inSet(BRIDGES, { inverted: true }),
    meta(nft.NFT_META_OIFNAME),
    compare(nft.NFT_CMP_NEQ, interfaceName('lo')),
    masquerade(),
  ],
  // from a container to a published port: the answer must come back through the host
  ['postrouting', ...ipv4, source, inSet(SUBNETS), ...destinationChanged, masquerade()],
  // from the host's localhost to a published port
  [
    'postrouting',
    ...ipv4,
    ...loopback(12, nft.NFT_CMP_EQ),
    meta(nft.NFT_META_OIFNAME),
    inSet(BRIDGES),
    masquerade(),
  ],

  // into a network: answers, published ports, its own containers, and nothing else
  ['forward', meta(nft.NFT_META_OIFNAME), inSet(BRIDGES, { inverted: true }), verdict(nft.NF_ACCEPT)],
  [
    'forward',
    conntrack(nft.NFT_CT_STATE),
    maskBits(CT_ESTABLISHED_OR_RELATED),
    compare(nft.NFT_CMP_NEQ, NO_BITS),
    verdict(nft.NF_ACCEPT),
  ],
  ['forward', ...destinationChanged, verdict(nft.NF_ACCEPT)],
  [
    'forward',
    meta(nft.NFT_META_IIFNAME),
    meta(nft.NFT_META_OIFNAME, 2),
    inSet(INSIDE),
    verdict(nft.NF_ACCEPT),
  ],
  ['forward', verdict(nft.NF_DROP)],
]

/** Adds the whole table, its sets empty; `EEXIST` on commit when it is there. */
export function addRuleset(transaction: NftTransaction): NftTransaction {
  transaction.createTable()
  for (const chain of chains) transaction.addChain(chain)
  for (const set of sets) transaction.addSet(set)
  for (const [chain, ...expressions] of rules) transaction.addRule(chain, expressions)
  return transaction
}
