import { NETLINK_NETFILTER } from '@ctr/linux'
import { passRules } from '../firewall/pass-rules.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from '../nft/constants.js'
import { formatRule } from '../nft/format-rule.js'
import { readElements } from '../nft/read-elements.js'
import { readRuleset, type ReadChain, type Ruleset } from '../nft/read-ruleset.js'
import { bridgeSets, sets } from '../nft/sets.js'

/** A table of an instance, as the kernel has it. */
export interface ExplainedTable {
  /** `inet ctrjs`, or `bridge ctrjs` where senders are checked. */
  readonly name: string
  /** Sets and maps with their elements; those of nobody are left out. */
  readonly sets: readonly { readonly name: string; readonly elements: readonly string[] }[]
  readonly chains: readonly ExplainedChain[]
}

/** A chain with its rules in the words of nft(8). */
export interface ExplainedChain {
  readonly name: string
  /** Where packets come to it: `filter hook forward priority 0; policy accept`. Unset: rules jump to it. */
  readonly hook?: string | undefined
  readonly rules: readonly string[]
}

const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting']
const families: Readonly<Record<number, string>> = {
  [nft.NFPROTO_INET]: 'inet',
  [nft.NFPROTO_IPV4]: 'ip',
  [nft.NFPROTO_IPV6]: 'ip6',
  [nft.NFPROTO_BRIDGE]: 'bridge',
}

/** The tables of an instance, and its rules in chains of others, by chain (`ip filter FORWARD`). */
export function readTables(instance: string): {
  readonly tables: ExplainedTable[]
  readonly others: ExplainedChain[]
} {
  using socket = new NetlinkSocket(NETLINK_NETFILTER)
  const ruleset = readRuleset(socket)
  const tables = [
    { family: nft.NFPROTO_INET, all: sets },
    { family: nft.NFPROTO_BRIDGE, all: bridgeSets },
  ].flatMap(({ family, all }) => {
    const chains = ruleset.chains.filter((chain) => chain.family === family && chain.table === instance)
    if (chains.length === 0) return []
    const filled = all
      .map((set) => ({ name: set.name, elements: readElements(socket, family, instance, set) }))
      .filter(({ elements }) => elements.length > 0)
    return [
      {
        name: `${families[family]} ${instance}`,
        sets: filled,
        chains: chains.map((chain) => explainChain(ruleset, chain)),
      },
    ]
  })
  return { tables, others: otherChains(ruleset, instance) }
}

function explainChain({ rules }: Ruleset, { family, table, name, hook }: ReadChain): ExplainedChain {
  const own = rules.filter((rule) => rule.family === family && rule.table === table && rule.chain === name)
  const policy = hook?.policy === nft.NF_DROP ? 'drop' : 'accept'
  return {
    name,
    hook: hook && `${hook.type} hook ${hooks[hook.number]} priority ${hook.priority}; policy ${policy}`,
    rules: own.map(({ expressions }) => formatRule(expressions)),
  }
}

function otherChains(ruleset: Ruleset, instance: string): ExplainedChain[] {
  const chains = new Map<string, string[]>()
  for (const { family, table, chain, expressions } of passRules(ruleset, instance)) {
    const name = `${families[family] ?? family} ${table} ${chain}`
    chains.set(name, [...(chains.get(name) ?? []), formatRule(expressions)])
  }
  return [...chains].map(([name, rules]) => ({ name, rules }))
}
