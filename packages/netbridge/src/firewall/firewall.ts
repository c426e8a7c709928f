import { NETLINK_NETFILTER } from '@ctr/linux'
import { isNetbridgeError } from '../errors.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import { NFPROTO_BRIDGE, NFPROTO_INET } from '../nft/constants.js'
import { NftTable } from '../nft/nft-table.js'
import { readRuleset } from '../nft/read-ruleset.js'
import { RULESET_SIZE } from '../nft/ruleset.js'
import type { InstanceState } from '../state/instance-state.js'
import { restoreTables, senderOf, type TableSource } from '../tables.js'
import { FirewallWatch } from './firewall-watch.js'
import { ensureLegacyPasses } from './legacy-passes.js'
import { ensurePasses } from './pass-rules.js'

/**
 * Keeps the tables of an instance, and its rules in the chains of others, as they shall be while somebody has one of its
 * networks open: whatever flushes or loads a firewall is noticed, and what is missing is put back.
 */
export class Firewall implements Disposable {
  static readonly #open = new WeakMap<InstanceState, Firewall>()
  readonly #state: InstanceState
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER)
  readonly #table: NftTable
  readonly #watch: FirewallWatch
  #users = 0

  private constructor(instance: string, state: InstanceState) {
    this.#state = state
    this.#table = new NftTable(instance, this.#socket)
    try {
      this.#watch = new FirewallWatch(() => this.#changed())
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  /** The one of these networks; each of those who ask for it closes it. */
  static of(instance: string, state: InstanceState): Firewall {
    const firewall = this.#open.get(state) ?? new Firewall(instance, state)
    firewall.#users++
    this.#open.set(state, firewall)
    return firewall
  }

  /** Puts rules into chains of others, and takes needless ones out. Nobody else of the instance may do so meanwhile. */
  ensurePasses(): void {
    ensurePasses(this.#socket, this.#table.name, this.#state.bridges())
  }

  /**
   * The same in tables of iptables-legacy of the network namespace that the thread is in. Nobody is told when those
   * change.
   */
  ensureLegacyPasses(): void {
    ensureLegacyPasses(this.#table.name, this.#state.bridges())
  }

  close(): void {
    this.#users--
    if (this.#users > 0) return
    Firewall.#open.delete(this.#state)
    this.#watch.close()
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #changed(): void {
    if (this.#state.bridges().length === 0) return // removed by another process
    try {
      this.#state.locked(() => {
        if (this.#state.bridges().length === 0) return
        const source = { state: this.#state, table: this.#table }
        if (!isWhole(this.#socket, source)) restoreTables(source)
        this.ensurePasses()
      })
    } catch (error) {
      if (!isNetbridgeError(error)) throw error // what the kernel refuses now is tried again at the next change
    }
  }
}

/** Whether the tables have their chains and rules. */
function isWhole(socket: NetlinkSocket, { state, table }: TableSource): boolean {
  const { chains, rules } = readRuleset(socket)
  const isOwn = (family: number) => (item: { readonly table: string; readonly family: number }) =>
    item.table === table.name && item.family === family
  const isComplete =
    chains.filter(isOwn(NFPROTO_INET)).length >= RULESET_SIZE.chains &&
    rules.filter(isOwn(NFPROTO_INET)).length >= RULESET_SIZE.rules
  if (!isComplete) return false
  const endpoints = state.bridges().flatMap(({ name }) => state.endpoints(name).list())
  return !endpoints.some((info) => senderOf(info) !== undefined) || chains.some(isOwn(NFPROTO_BRIDGE))
}
