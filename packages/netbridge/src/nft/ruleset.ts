import * as nft from './constants.js'
import { interfaceName } from './elements.js'
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
import * as set from './sets.js'
import type { Chain, NftTransaction } from './transaction.js'

/** A rule: the chain that it is in, and what it does. */
export type Rule = readonly [chain: string, ...expressions: readonly Expression[]]

const chains: readonly Chain[] = [
  { name: 'guard', hook: { type: 'filter', number: nft.NF_INET_PRE_ROUTING, priority: -300 } },
  { name: 'publish' },
  { name: 'prerouting', hook: { type: 'nat', number: nft.NF_INET_PRE_ROUTING, priority: -100 } },
  { name: 'output', hook: { type: 'nat', number: nft.NF_INET_LOCAL_OUT, priority: -100 } },
  { name: 'postrouting', hook: { type: 'nat', number: nft.NF_INET_POST_ROUTING, priority: 100 } },
  { name: 'forward', hook: { type: 'filter', number: nft.NF_INET_FORWARD, priority: 0 } },
]

const network = (offset: number, length: number): Expression =>
  payload(nft.NFT_PAYLOAD_NETWORK_HEADER, offset, length)
const family = (number: number): readonly Expression[] => [
  meta(nft.NFT_META_NFPROTO),
  compare(nft.NFT_CMP_EQ, Uint8Array.of(number)),
]
const ipv4 = family(nft.NFPROTO_IPV4)
const ipv6 = family(nft.NFPROTO_IPV6)
const source4 = network(12, 4)
const target4 = network(16, 4)
const source6 = network(8, 16)
const target6 = network(24, 16)
const loopback = (offset: number, operation: number): readonly Expression[] => [
  network(offset, 1),
  compare(operation, Uint8Array.of(127)),
]
const LOCALHOST6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
const input = meta(nft.NFT_META_IIFNAME)
const output = meta(nft.NFT_META_OIFNAME)
const toThisHost = [destinationType(), compare(nft.NFT_CMP_EQ, Uint8Array.of(nft.RTN_LOCAL, 0, 0, 0))]
const toTheWorld = [
  output,
  inSet(set.BRIDGES, { inverted: true }),
  output,
  compare(nft.NFT_CMP_NEQ, interfaceName('lo')),
]
const NO_BITS = Uint8Array.of(0, 0, 0, 0)
const CT_ESTABLISHED_OR_RELATED = 0x6
const IPS_DST_NAT = 0x20
const destinationChanged = [
  conntrack(nft.NFT_CT_STATUS),
  maskBits(IPS_DST_NAT),
  compare(nft.NFT_CMP_NEQ, NO_BITS),
]
const accept = verdict(nft.NF_ACCEPT)
const drop = verdict(nft.NF_DROP)
const publish = verdict(nft.NFT_JUMP, 'publish')
/** protocol . port into the registers of four bytes behind so many bytes. */
const protocolAndPort = (behind: 0 | 4 | 16): readonly Expression[] => [
  meta(nft.NFT_META_L4PROTO, { 0: 1, 4: 9, 16: 2 }[behind]),
  payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 9 + behind / 4),
]

const rules: readonly Rule[] = [
  // route_localnet lets 127.0.0.0/8 through a bridge for published ports; nobody may send there from outside
  ['guard', input, inSet(set.BRIDGES), ...ipv4, ...loopback(16, nft.NFT_CMP_EQ), drop],

  // an address of its own comes before every address
  [
    'publish',
    ...ipv4,
    target4,
    ...protocolAndPort(4),
    lookup(set.PORTS_AT),
    destinationNat(nft.NFPROTO_IPV4),
  ],
  ['publish', ...ipv4, ...protocolAndPort(0), lookup(set.PORTS), destinationNat(nft.NFPROTO_IPV4)],
  [
    'publish',
    ...ipv6,
    target6,
    ...protocolAndPort(16),
    lookup(set.PORTS6_AT),
    destinationNat(nft.NFPROTO_IPV6),
  ],
  ['publish', ...ipv6, ...protocolAndPort(0), lookup(set.PORTS6), destinationNat(nft.NFPROTO_IPV6)],

  // a port published on localhost is not for neighbours that send 127.0.0.1 over a wire
  ['prerouting', ...ipv4, ...loopback(16, nft.NFT_CMP_NEQ), ...toThisHost, publish],
  ['prerouting', ...ipv6, ...toThisHost, publish],
  ['output', ...ipv4, ...toThisHost, publish],
  // the kernel lets nothing from ::1 leave the host, whatever its destination becomes
  ['output', ...ipv6, target6, compare(nft.NFT_CMP_NEQ, LOCALHOST6), ...toThisHost, publish],

  // from a container to the world; not from the bridge's address to this host itself
  ['postrouting', ...ipv4, source4, inSet(set.SUBNETS), ...toTheWorld, masquerade()],
  ['postrouting', ...ipv6, source6, inSet(set.SUBNETS6), ...toTheWorld, masquerade()],
  // from a container to a published port: the answer must come back through the host
  ['postrouting', ...ipv4, source4, inSet(set.MEMBERS), ...destinationChanged, masquerade()],
  ['postrouting', ...ipv6, source6, inSet(set.MEMBERS6), ...destinationChanged, masquerade()],
  // from the host's localhost to a published port
  ['postrouting', ...ipv4, ...loopback(12, nft.NFT_CMP_EQ), output, inSet(set.BRIDGES), masquerade()],

  // within a network; then nothing else into or out of internal ones
  ['forward', input, meta(nft.NFT_META_OIFNAME, 2), inSet(set.INSIDE), accept],
  ['forward', input, inSet(set.INTERNAL), drop],
  ['forward', output, inSet(set.INTERNAL), drop],
  // into a network: answers and published ports, and nothing else
  ['forward', output, inSet(set.BRIDGES, { inverted: true }), accept],
  [
    'forward',
    conntrack(nft.NFT_CT_STATE),
    maskBits(CT_ESTABLISHED_OR_RELATED),
    compare(nft.NFT_CMP_NEQ, NO_BITS),
    accept,
  ],
  ['forward', ...destinationChanged, accept],
  ['forward', drop],
]

/** How many chains and rules are in the table. */
export const RULESET_SIZE = { chains: chains.length, rules: rules.length } as const

/** Adds the whole table, its sets empty. */
export function addRuleset(transaction: NftTransaction): NftTransaction {
  transaction.createTable()
  for (const chain of chains) transaction.addChain(chain)
  for (const nftSet of set.sets) transaction.addSet(nftSet)
  for (const [chain, ...expressions] of rules) transaction.addRule(chain, expressions)
  return transaction
}
