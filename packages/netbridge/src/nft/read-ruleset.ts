import { isNetbridgeError } from '../errors.js'
import { NLM_F_DUMP, NLM_F_REQUEST } from '../netlink/constants.js'
import { attributeList, readAttributes, readString, type NetlinkMessage } from '../netlink/message-reader.js'
import { MessageWriter } from '../netlink/message-writer.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from './constants.js'

/** A chain as the kernel has it, of whatever table. */
export interface ReadChain {
  /** `NFPROTO_*`. */
  readonly family: number
  readonly table: string
  readonly name: string
  /** Where a base chain hooks in. */
  readonly hook: ReadHook | undefined
}

/** What makes a chain a base chain. */
export interface ReadHook {
  /** `filter`, `nat` or `route`. */
  readonly type: string
  /** `NF_INET_*`. */
  readonly number: number
  readonly priority: number
  /** `NF_DROP` or `NF_ACCEPT`: what becomes of packets that no rule decided about. */
  readonly policy: number
}

/** A rule as the kernel has it. */
export interface ReadRule {
  readonly family: number
  readonly table: string
  readonly chain: string
  readonly handle: bigint
  readonly expressions: readonly ReadExpression[]
  /** What nft(8) prints as its comment. */
  readonly comment: string | undefined
}

/** One instruction of a rule. */
export interface ReadExpression {
  readonly name: string
  /** Attributes by their types. */
  readonly data: ReadonlyMap<number, Buffer>
}

/** All chains and rules of a network namespace, each chain's rules in their order. */
export interface Ruleset {
  readonly chains: readonly ReadChain[]
  readonly rules: readonly ReadRule[]
}

/** How often a dump is begun anew that others changed meanwhile. */
const ATTEMPTS = 20
const NOTHING = Buffer.alloc(0)

/** `nft list ruleset`, without sets. */
export function readRuleset(socket: NetlinkSocket): Ruleset {
  return {
    chains: dump(socket, nft.NFT_MSG_GETCHAIN, 'list chains').map(readChain),
    rules: dump(socket, nft.NFT_MSG_GETRULE, 'list rules').map(readRule),
  }
}

/**
 * Asks for everything of one kind, of all families or one.
 *
 * @param body - Writes attributes that narrow it.
 * @throws {@link NetbridgeError} with `EINTR` when others change it all the time.
 */
export function dump(
  socket: NetlinkSocket,
  type: number,
  action: string,
  { family = nft.NFPROTO_UNSPEC, body }: { readonly family?: number; readonly body?: Writes } = {},
): NetlinkMessage[] {
  for (let attempt = 1; ; attempt++) {
    const writer = new MessageWriter()
    const kind = (nft.NFNL_SUBSYS_NFTABLES << 8) | type
    writer.message(kind, NLM_F_REQUEST | NLM_F_DUMP, socket.nextSequence(), () => {
      writer.u32(family) // struct nfgenmsg: family, NFNETLINK_V0, no resource
      body?.(writer)
    })
    try {
      return socket.exchange(writer.bytes, () => action)
    } catch (error) {
      if (!isNetbridgeError(error) || error.errnoCode !== 'EINTR' || attempt === ATTEMPTS) throw error
    }
  }
}

type Writes = (writer: MessageWriter) => void

function readChain({ body }: NetlinkMessage): ReadChain {
  const attributes = readAttributes(body.subarray(4))
  const hook = attributes.get(nft.NFTA_CHAIN_HOOK)
  return {
    family: body[0] ?? 0,
    table: readString(attributes.get(nft.NFTA_CHAIN_TABLE)) ?? '',
    name: readString(attributes.get(nft.NFTA_CHAIN_NAME)) ?? '',
    hook: hook && readHook(readAttributes(hook), attributes),
  }
}

function readHook(hook: Map<number, Buffer>, chain: Map<number, Buffer>): ReadHook {
  return {
    type: readString(chain.get(nft.NFTA_CHAIN_TYPE)) ?? '',
    number: hook.get(nft.NFTA_HOOK_HOOKNUM)?.readUInt32BE(0) ?? 0,
    priority: hook.get(nft.NFTA_HOOK_PRIORITY)?.readInt32BE(0) ?? 0,
    policy: chain.get(nft.NFTA_CHAIN_POLICY)?.readUInt32BE(0) ?? nft.NF_ACCEPT,
  }
}

function readRule({ body }: NetlinkMessage): ReadRule {
  const attributes = readAttributes(body.subarray(4))
  return {
    family: body[0] ?? 0,
    table: readString(attributes.get(nft.NFTA_RULE_TABLE)) ?? '',
    chain: readString(attributes.get(nft.NFTA_RULE_CHAIN)) ?? '',
    handle: attributes.get(nft.NFTA_RULE_HANDLE)?.readBigUInt64BE(0) ?? 0n,
    expressions: attributeList(attributes.get(nft.NFTA_RULE_EXPRESSIONS) ?? NOTHING).map(([, value]) =>
      readExpression(readAttributes(value)),
    ),
    comment: readComment(attributes.get(nft.NFTA_RULE_USERDATA) ?? NOTHING),
  }
}

function readExpression(expression: Map<number, Buffer>): ReadExpression {
  return {
    name: readString(expression.get(nft.NFTA_EXPR_NAME)) ?? '',
    data: readAttributes(expression.get(nft.NFTA_EXPR_DATA) ?? NOTHING),
  }
}

/** User data is a list of type, length and value, each of the former a byte. */
function readComment(data: Buffer): string | undefined {
  for (let at = 0; at + 2 <= data.length; at += 2 + data[at + 1]!) {
    if (data[at] === nft.NFTNL_UDATA_RULE_COMMENT)
      return readString(data.subarray(at + 2, at + 2 + data[at + 1]!))
  }
  return undefined
}

/** The verdict of an `immediate` expression; undefined of others. */
export function verdictOf({
  name,
  data,
}: ReadExpression): { readonly code: number; readonly chain: string | undefined } | undefined {
  if (name !== 'immediate' || data.get(1)?.readUInt32BE(0) !== 0) return undefined // NFTA_IMMEDIATE_DREG
  const verdict = readAttributes(readAttributes(data.get(2) ?? NOTHING).get(nft.NFTA_DATA_VERDICT) ?? NOTHING)
  const code = verdict.get(nft.NFTA_VERDICT_CODE)?.readInt32BE(0)
  if (code === undefined) return undefined
  return { code, chain: readString(verdict.get(nft.NFTA_VERDICT_CHAIN)) }
}
