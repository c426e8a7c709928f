import { formatIp, ipOf } from '../address/ip.js'
import * as nft from './constants.js'
import { addressBytes, concatenate, interfaceName } from './elements.js'
import { compare, inSet, meta, payload, verdict, type Expression } from './expression.js'
import type { Rule } from './ruleset.js'
import { bridgeSets, GUARDED, SENDERS, SENDERS4, SENDERS6 } from './sets.js'
import type { Element, NftTransaction } from './transaction.js'

/** What may come over a link of a bridge. */
export interface Sender {
  /** Name of the host's end. */
  readonly ifname: string
  readonly mac: string
  readonly address: string
  readonly address6?: string | undefined
}

const CHAIN = 'senders'
const ICMPV6 = 58
const ROUTER_ADVERTISEMENT = 134
const NEIGHBOUR_SOLICITATION = 135
const NEIGHBOUR_ADVERTISEMENT = 136
const REDIRECT = 137
const MULTICAST_REPORT = 143

const equal = (value: Uint8Array): Expression => compare(nft.NFT_CMP_EQ, value)
const frameOf = (...type: readonly number[]): readonly Expression[] => [
  meta(nft.NFT_META_PROTOCOL),
  equal(Uint8Array.from(type)),
]
const ip4 = frameOf(0x08, 0x00)
const arp = frameOf(0x08, 0x06)
const ip6 = frameOf(0x86, 0xdd)
const icmp6 = (type: number): readonly Expression[] => [
  ...ip6,
  meta(nft.NFT_META_L4PROTO),
  equal(Uint8Array.of(ICMPV6)),
  payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1),
  equal(Uint8Array.of(type)),
]
const fromNobody = [payload(nft.NFT_PAYLOAD_NETWORK_HEADER, 8, 16), equal(new Uint8Array(16))]
/** interface . hardware address . address, the latter two from these places. */
const sender = (
  mac: Expression,
  base: number,
  offset: number,
  length: number,
): readonly [Expression, Expression, Expression] => [
  meta(nft.NFT_META_IIFNAME),
  mac,
  payload(base, offset, length, 14),
]
const frameSource = payload(nft.NFT_PAYLOAD_LL_HEADER, 6, 6, 12)
const arpSource = payload(nft.NFT_PAYLOAD_NETWORK_HEADER, 8, 6, 12)
const neighbour = sender(frameSource, nft.NFT_PAYLOAD_TRANSPORT_HEADER, 8, 16)
const accept = verdict(nft.NF_ACCEPT)
const drop = verdict(nft.NF_DROP)

const rules: readonly Rule[] = [
  [CHAIN, meta(nft.NFT_META_IIFNAME), inSet(GUARDED, { inverted: true }), accept],
  [CHAIN, meta(nft.NFT_META_IIFNAME), frameSource, inSet(SENDERS, { inverted: true }), drop],
  [CHAIN, ...ip4, ...sender(frameSource, nft.NFT_PAYLOAD_NETWORK_HEADER, 12, 4), inSet(SENDERS4), accept],
  // who says that an address is at a hardware address must be both
  [CHAIN, ...arp, ...sender(arpSource, nft.NFT_PAYLOAD_NETWORK_HEADER, 14, 4), inSet(SENDERS4), accept],
  [CHAIN, ...icmp6(NEIGHBOUR_ADVERTISEMENT), ...neighbour, inSet(SENDERS6, { inverted: true }), drop],
  // containers are no routers
  [CHAIN, ...icmp6(ROUTER_ADVERTISEMENT), drop],
  [CHAIN, ...icmp6(REDIRECT), drop],
  // before it has an address: asking whether somebody has it, and joining groups
  [CHAIN, ...icmp6(NEIGHBOUR_SOLICITATION), ...fromNobody, ...neighbour, inSet(SENDERS6), accept],
  [CHAIN, ...icmp6(MULTICAST_REPORT), ...fromNobody, accept],
  [CHAIN, ...ip6, ...sender(frameSource, nft.NFT_PAYLOAD_NETWORK_HEADER, 8, 16), inSet(SENDERS6), accept],
  [CHAIN, drop],
]

/** Rules in the one chain of the table. */
export const SENDER_RULES = rules.length

/** Adds the table `bridge INSTANCE`, its sets empty: links in `guarded` may send as themselves only. */
export function addSenderRules(transaction: NftTransaction): NftTransaction {
  transaction
    .in('bridge')
    .createTable()
    .addChain({
      name: CHAIN,
      hook: { type: 'filter', number: nft.NF_INET_PRE_ROUTING, priority: -300 },
    })
  for (const set of bridgeSets) transaction.addSet(set)
  for (const [chain, ...expressions] of rules) transaction.addRule(chain, expressions)
  return transaction
}

/** Elements of one sender, set by set. */
export function senderElements(
  from: Sender,
): readonly (readonly [set: string, elements: readonly Element[]])[] {
  const { ifname, address, address6 } = from
  const link = interfaceName(ifname)
  const mac = Uint8Array.from([...Buffer.from(from.mac.replaceAll(':', ''), 'hex'), 0, 0])
  const as = (ip: string): Element => ({ key: concatenate(link, mac, addressBytes(ip)) })
  return [
    [GUARDED, [{ key: link }]],
    [SENDERS, [{ key: concatenate(link, mac) }]],
    [SENDERS4, [as(address)]],
    [SENDERS6, [linkLocal(mac), ...(address6 === undefined ? [] : [address6])].map(as)],
  ]
}

/** The address that the kernel gives a link by its hardware address (RFC 4291, EUI-64). */
function linkLocal(mac: Uint8Array): string {
  const [a, b, c, d, e, f] = mac as unknown as readonly [number, number, number, number, number, number]
  return formatIp(ipOf(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f)))
}
