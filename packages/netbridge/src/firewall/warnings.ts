import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import { readRuleset } from '../nft/read-ruleset.js'
import type { BridgeRecord } from '../state/network-record.js'
import { closedChains } from './closed-chains.js'
import { closedLegacyChains } from './legacy-filter.js'
import { passRules } from './pass-rules.js'
import { passesOf } from './passes.js'

/** A firewall of the host that keeps networks from working. */
export interface FirewallWarning {
  readonly code:
    | 'iptables-legacy' // rules of iptables-legacy end what is forwarded
    | 'closed-chain' // a chain of nf_tables does, and has no rules that let it through
  /** Which chain: `inet firewalld filter_FORWARD`. */
  readonly chain: string
  /** Networks that it concerns. */
  readonly networks: readonly string[]
  /** What is, and what does not work. */
  readonly message: string
  /** What to do. */
  readonly remedy: string
}

/** What firewalls of the host end packets of these networks, as it is now. */
export function firewallWarnings(
  socket: NetlinkSocket,
  instance: string,
  bridges: readonly BridgeRecord[],
): FirewallWarning[] {
  if (bridges.length === 0) return []
  return [...closedTables(socket, instance, bridges), ...legacyTables(bridges)]
}

function closedTables(
  socket: NetlinkSocket,
  instance: string,
  bridges: readonly BridgeRecord[],
): FirewallWarning[] {
  const ruleset = readRuleset(socket)
  const present = new Set(
    passRules(ruleset, instance).map(({ family, table, chain, comment }) =>
      [family, table, chain, comment].join(' '),
    ),
  )
  return closedChains(ruleset, instance).flatMap((chain) => {
    const number = ruleset.chains.find(
      ({ table, name, hook }) => table === chain.table && name === chain.name && hook !== undefined,
    )?.family
    const shut = bridges.filter((bridge) =>
      passesOf(chain, bridge, instance).some(
        ({ comment }) => !present.has([number, chain.table, chain.name, comment].join(' ')),
      ),
    )
    if (shut.length === 0) return []
    const where = `${chain.family} ${chain.table} ${chain.name}`
    const names = shut.map(({ name }) => name)
    const what = chain.hook === 'forward' ? 'what containers send and receive' : 'names asked of the bridge'
    const interfaces = shut.map(({ bridge }) => bridge)
    return [
      {
        code: 'closed-chain',
        chain: where,
        networks: names,
        message: `nftables chain ${where} drops ${what} (its ${chain.by}), and has no rule that lets it through for ${names.join(', ')}`,
        remedy: `open the network again; if the table has an owner, let ${interfaces.join(', ')} through there, with firewalld by: firewall-cmd --zone=trusted --add-interface=${interfaces[0]}`,
      } as const,
    ]
  })
}

function legacyTables(bridges: readonly BridgeRecord[]): FirewallWarning[] {
  return closedLegacyChains().flatMap(({ family, name, by, passes }) => {
    const missing = ({ bridge }: BridgeRecord): string[] =>
      [`-i ${bridge}`, `-o ${bridge}`].filter((match) => !passes.has(match))
    const concerned = bridges
      .filter(({ ipv6 }) => family === 'ip' || ipv6 !== undefined)
      .filter((bridge) => missing(bridge).length > 0)
    if (concerned.length === 0) return []
    const program = family === 'ip' ? 'iptables-legacy' : 'ip6tables-legacy'
    const commands = concerned.flatMap(missing).map((match) => `${program} -I ${name} ${match} -j ACCEPT`)
    return [
      {
        code: 'iptables-legacy',
        chain: `${program} filter ${name}`,
        networks: concerned.map((network) => network.name),
        message: `${name} of ${program} drops what containers send and receive (its ${by})`,
        remedy: `open a network again, or let it through: ${commands.join('; ')}`,
      } as const,
    ]
  })
}
