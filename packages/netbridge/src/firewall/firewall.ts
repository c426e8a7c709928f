import { NETLINK_NETFILTER } from '@ctr/linux'
import { isNetbridgeError } from '../errors.js'
import type { NetlinkMessage } from '../netlink/message-reader.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import { NftTable } from '../nft/nft-table.js'
import type { InstanceState } from '../state/instance-state.js'
import type { PortClaims } from '../state/port-claims.js'
import { wantedContent } from '../tables.js'
import { FirewallWatch } from './firewall-watch.js'
import { ensureLegacyPasses, needsLegacyPasses } from './legacy-passes.js'
import { ensurePasses } from './pass-rules.js'
import { mayBeMissed, isWhole } from './whole-tables.js'

/** How often tables of iptables-legacy are looked at, in milliseconds. */
const LEGACY_MS = 2000

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
  readonly #claims: PortClaims
  readonly #legacyTimer: NodeJS.Timeout
  #users = 0

  private constructor(instance: string, state: InstanceState) {
    this.#state = state
    this.#table = new NftTable(instance, this.#socket)
    this.#claims = state.ports()
    try {
      this.#watch = new FirewallWatch((deleted) => this.#changed(deleted))
      this.#legacyTimer = setInterval(() => this.#lookAtLegacy(), LEGACY_MS).unref()
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
   * change, so they are looked at from time to time.
   */
  ensureLegacyPasses(): void {
    ensureLegacyPasses(this.#table.name, this.#state.bridges())
  }

  close(): void {
    this.#users--
    if (this.#users > 0) return
    Firewall.#open.delete(this.#state)
    this.#watch.close()
    clearInterval(this.#legacyTimer)
    this.#claims.close()
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #changed(deleted: readonly NetlinkMessage[] | undefined): void {
    if (this.#state.bridges().length === 0) return // removed by another process
    try {
      if (deleted?.some((message) => mayBeMissed(message, this.#table.name, this.#claims)) === false) return
      this.#state.locked(() => {
        if (this.#state.bridges().length === 0) return
        const content = wantedContent(this.#state)
        if (!isWhole(this.#socket, this.#table.name, content)) this.#table.replace(content)
        this.ensurePasses()
      })
    } catch (error) {
      if (!isNetbridgeError(error)) throw error // what the kernel refuses now is tried again at the next change
    }
  }

  #lookAtLegacy(): void {
    try {
      const isBehind = (): boolean => needsLegacyPasses(this.#table.name, this.#state.bridges())
      if (isBehind()) this.#state.locked(() => isBehind() && this.ensureLegacyPasses())
    } catch (error) {
      if (!isNetbridgeError(error)) throw error // what cannot be read now is tried again
    }
  }
}
