import { isNetbridgeError, type NetbridgeError } from '../errors.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import { readRuleset, type ReadRule, type Ruleset } from '../nft/read-ruleset.js'
import { NftTransaction } from '../nft/transaction.js'
import type { BridgeRecord } from '../state/network-record.js'
import { closedChains, familyOf, type ClosedChain } from './closed-chains.js'
import { commentPrefix, passesOf, type Pass } from './passes.js'

/** A chain of others that packets of our networks end in, and that could not be opened. */
export interface Obstacle extends ClosedChain {
  /** What the kernel said. */
  readonly error: NetbridgeError
}

/** How often it is looked anew when chains come and go meanwhile. */
const ATTEMPTS = 5

/**
 * Lets packets of networks through chains of others that end them, and takes back what is there for networks that are
 * gone. Each chain is one transaction: one that cannot be changed does not keep others from it.
 *
 * @param bridges - All networks of the instance.
 * @returns Chains that could not be changed, such as those of a table with an owner (`flags owner`).
 */
export function ensurePasses(
  socket: NetlinkSocket,
  instance: string,
  bridges: readonly BridgeRecord[],
): Obstacle[] {
  for (let attempt = 1; ; attempt++) {
    const obstacles = ensureOnce(socket, instance, bridges)
    const isStale = obstacles.some(({ error }) => error.errnoCode === 'ENOENT')
    if (!isStale || attempt === ATTEMPTS) return obstacles
  }
}

function ensureOnce(socket: NetlinkSocket, instance: string, bridges: readonly BridgeRecord[]): Obstacle[] {
  const ruleset = readRuleset(socket)
  const obstacles: Obstacle[] = []
  const closed = closedChains(ruleset, instance)
  for (const chain of [...closed, ...openedChains(ruleset, instance, closed)]) {
    const isClosed = closed.includes(chain)
    const wanted = isClosed ? bridges.flatMap((bridge) => passesOf(chain, bridge, instance)) : []
    const found = passRules(ruleset, instance).filter((rule) => isIn(rule, chain))
    const transaction = difference(chain, wanted, found)
    if (transaction === undefined) continue
    try {
      transaction.commit(socket)
    } catch (error) {
      if (!isNetbridgeError(error)) throw error
      obstacles.push({ ...chain, error })
    }
  }
  return obstacles
}

/** The rules of an instance in chains of others. */
export function passRules({ rules }: Ruleset, instance: string): ReadRule[] {
  const prefix = commentPrefix(instance)
  return rules.filter((rule) => rule.comment?.startsWith(prefix) === true && rule.table !== instance)
}

/** Chains with rules of the instance that are closed no more. */
function openedChains(ruleset: Ruleset, instance: string, closed: readonly ClosedChain[]): ClosedChain[] {
  const opened = new Map<string, ClosedChain>()
  for (const rule of passRules(ruleset, instance)) {
    const family = familyOf(rule)
    if (family === undefined || closed.some((chain) => isIn(rule, chain))) continue
    const { table, chain: name } = rule
    opened.set(`${family} ${table} ${name}`, { family, table, name, hook: 'forward', by: 'rule' })
  }
  return [...opened.values()]
}

function isIn(rule: ReadRule, { family, table, name }: ClosedChain): boolean {
  return rule.table === table && rule.chain === name && familyOf(rule) === family
}

/** What makes a chain's rules those that are wanted; undefined when they are. */
function difference(
  { family, table, name }: ClosedChain,
  wanted: readonly Pass[],
  found: readonly ReadRule[],
): NftTransaction | undefined {
  const missing = wanted.filter(({ comment }) => !found.some((rule) => rule.comment === comment))
  const seen = new Set<string>()
  const needless = found.filter(({ comment = '' }) => {
    const isFirst = !seen.has(comment)
    seen.add(comment)
    return !isFirst || !wanted.some((pass) => pass.comment === comment)
  })
  if (missing.length + needless.length === 0) return undefined
  const transaction = new NftTransaction(table).in(family)
  for (const { handle } of needless) transaction.deleteRule(name, handle)
  for (const { comment, expressions } of [...missing].reverse())
    transaction.addRule(name, expressions, { first: true, comment })
  return transaction
}
