import { formatIp, ipBytes } from '../address/ip.js'
import * as nft from '../nft/constants.js'
import { interfaceName } from '../nft/elements.js'
import { compare, meta, payload, verdict, type Expression } from '../nft/expression.js'
import type { BridgeRecord } from '../state/network-record.js'
import type { ClosedChain } from './closed-chains.js'

/** A rule that lets packets of a network through a chain of others. */
export interface Pass {
  /** By which it is known again: names instance and bridge. */
  readonly comment: string
  readonly expressions: readonly Expression[]
}

const DNS = Uint8Array.of(0, 53)
const UDP = 17
const TCP = 6
const ICMPV6 = 58
const accept = verdict(nft.NF_ACCEPT)
const equal = (value: Uint8Array): Expression => compare(nft.NFT_CMP_EQ, value)
const ipv4 = [meta(nft.NFT_META_NFPROTO), equal(Uint8Array.of(nft.NFPROTO_IPV4))]
const ipv6 = [meta(nft.NFT_META_NFPROTO), equal(Uint8Array.of(nft.NFPROTO_IPV6))]

/** What all comments of an instance begin with. */
export function commentPrefix(instance: string): string {
  return `${instance}: `
}

/**
 * The rules that a network needs in a closed chain. Forwarded packets pass on their way out of its bridge and into it:
 * which of them may is said by the table of the instance, which sees them as well. To the host itself only questions of
 * names to the bridge's address pass, and of IPv6 what finds its hardware address. The expressions are those
 * that iptables-nft writes, so that it goes on understanding its own chains.
 */
export function passesOf(
  { family, hook }: Pick<ClosedChain, 'family' | 'hook'>,
  { bridge, ipv4: plan4, ipv6: plan6 }: BridgeRecord,
  instance: string,
): Pass[] {
  const comment = (what: string): string => `${commentPrefix(instance)}${what} ${bridge}`
  const input = [meta(nft.NFT_META_IIFNAME), equal(interfaceName(bridge))]
  const output = [meta(nft.NFT_META_OIFNAME), equal(interfaceName(bridge))]
  if (hook === 'forward') {
    return [
      { comment: comment('from'), expressions: [...input, accept] },
      { comment: comment('to'), expressions: [...output, accept] },
    ]
  }
  const passes: Pass[] = []
  if (family !== 'ip6') {
    const gateway = [payload(nft.NFT_PAYLOAD_NETWORK_HEADER, 16, 4), equal(ipBytes(plan4.gateway))]
    for (const [name, protocol] of [['udp', UDP] as const, ['tcp', TCP] as const]) {
      passes.push({
        comment: `${comment(`names by ${name} from`)} to ${formatIp(plan4.gateway)}`,
        expressions: [
          ...(family === 'inet' ? ipv4 : []),
          ...input,
          ...gateway,
          ...withProtocol(protocol),
          payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
          equal(DNS),
          accept,
        ],
      })
    }
  }
  if (family !== 'ip' && plan6 !== undefined) {
    const expressions = [...(family === 'inet' ? ipv6 : []), ...input, ...withProtocol(ICMPV6), accept]
    passes.push({ comment: comment('neighbours from'), expressions })
  }
  return passes
}

function withProtocol(protocol: number): readonly Expression[] {
  return [meta(nft.NFT_META_L4PROTO), equal(Uint8Array.of(protocol))]
}
