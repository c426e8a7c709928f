import {
  NF_DROP,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NFPROTO_INET,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  NFT_GOTO,
  NFT_JUMP,
} from '../nft/constants.js'
import { verdictOf, type ReadChain, type ReadRule, type Ruleset } from '../nft/read-ruleset.js'
import { readString } from '../netlink/message-reader.js'
import type { TableFamily } from '../nft/transaction.js'

/** A base chain of others that lets through only what one of its rules names. */
export interface ClosedChain {
  readonly family: Exclude<TableFamily, 'bridge'>
  readonly table: string
  readonly name: string
  readonly hook: 'forward' | 'input'
  /** What ends a packet that no rule has let through. */
  readonly by: 'policy' | 'rule'
}

const families: ReadonlyMap<number, ClosedChain['family']> = new Map([
  [NFPROTO_INET, 'inet'],
  [NFPROTO_IPV4, 'ip'],
  [NFPROTO_IPV6, 'ip6'],
])
const hooks: ReadonlyMap<number, ClosedChain['hook']> = new Map([
  [NF_INET_FORWARD, 'forward'],
  [NF_INET_LOCAL_IN, 'input'],
])

/** Family of what closed chains can be of; undefined for others. */
export function familyOf({ family }: { readonly family: number }): ClosedChain['family'] | undefined {
  return families.get(family)
}

/** Expressions that every packet passes. */
const passing = new Set(['counter', 'log', 'notrack'])

/**
 * The chains of others in which packets end: those of the policy `drop`, and those at whose end a rule without
 * conditions drops or rejects. A drop in any base chain is final, whatever other tables say, so that only rules of
 * these chains themselves can let packets through. Rules that drop some packets are no such end: they are somebody's
 * will about those packets.
 */
export function closedChains({ chains, rules }: Ruleset, ownTable: string): ClosedChain[] {
  const byChain = new Map<string, ReadRule[]>()
  for (const rule of rules) {
    const key = keyOf(rule, rule.chain)
    const list = byChain.get(key)
    if (list === undefined) byChain.set(key, [rule])
    else list.push(rule)
  }
  return chains.flatMap((chain) => {
    const family = familyOf(chain)
    const hook = hooks.get(chain.hook?.number ?? -1)
    if (family === undefined || hook === undefined || chain.hook?.type !== 'filter') return []
    if (family === 'inet' && chain.table === ownTable) return []
    const by = endOf(chain, byChain)
    return by === undefined ? [] : [{ family, table: chain.table, name: chain.name, hook, by }]
  })
}

function endOf(chain: ReadChain, rules: ReadonlyMap<string, ReadRule[]>): ClosedChain['by'] | undefined {
  if (chain.hook?.policy === NF_DROP) return 'policy'
  return endsPackets(chain, chain.name, rules, new Set()) ? 'rule' : undefined
}

/** Whether a chain drops or rejects everything that comes to its end. */
function endsPackets(
  table: Pick<ReadChain, 'family' | 'table'>,
  chain: string,
  rules: ReadonlyMap<string, ReadRule[]>,
  seen: Set<string>,
): boolean {
  if (seen.has(chain)) return false
  seen.add(chain)
  for (const { expressions } of rules.get(keyOf(table, chain)) ?? []) {
    const rest = expressions.filter(({ name }) => !passing.has(name))
    const [only] = rest
    if (rest.length !== 1 || only === undefined) continue
    if (only.name === 'reject') return true
    // an extension of iptables
    if (only.name === 'target' && ['REJECT', 'DROP'].includes(readString(only.data.get(1)) ?? '')) return true
    const verdict = verdictOf(only)
    if (verdict?.code === NF_DROP) return true
    if (verdict?.code !== NFT_JUMP && verdict?.code !== NFT_GOTO) continue
    if (endsPackets(table, verdict.chain ?? '', rules, seen)) return true
    if (verdict.code === NFT_GOTO) return false
  }
  return false
}

function keyOf({ family, table }: Pick<ReadChain, 'family' | 'table'>, chain: string): string {
  return `${family} ${table} ${chain}`
}
