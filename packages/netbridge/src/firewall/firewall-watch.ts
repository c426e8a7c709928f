import { NETLINK_NETFILTER, onReadable, type ReadyWait } from '@ctr/linux'
import type { NetlinkMessage } from '../netlink/message-reader.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from '../nft/constants.js'

/** How long changes may go on before they are looked at, in milliseconds: a firewall is loaded in many steps. */
const SETTLE_MS = 100
/** The same of elements of sets, which other processes of the instance delete all the time. */
const ELEMENTS_SETTLE_MS = 500
/** Messages about elements that are kept until then; from more on, anything may have been deleted. */
const MOST_MESSAGES = 1000

const typeOf = (type: number): number => (nft.NFNL_SUBSYS_NFTABLES << 8) | type
/** Changes of tables, chains and rules. */
const structural = new Set(
  [
    nft.NFT_MSG_NEWTABLE,
    nft.NFT_MSG_DELTABLE,
    nft.NFT_MSG_NEWCHAIN,
    nft.NFT_MSG_DELCHAIN,
    nft.NFT_MSG_NEWRULE,
    nft.NFT_MSG_DELRULE,
  ].map(typeOf),
)

/**
 * Calls back after somebody has changed the nf_tables rules of the network namespace that the thread is in now, as a
 * firewall does when it is loaded anew, or another process has deleted elements of sets. Does not keep the event loop
 * alive.
 */
export class FirewallWatch implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER)
  readonly #changed: (deleted: readonly NetlinkMessage[] | undefined) => void
  #deleted: NetlinkMessage[] | undefined = []
  #wait: ReadyWait | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param changed - Is given the messages about deleted elements; undefined: anything may have changed. Errors of it are
   *   uncaught ones.
   */
  constructor(changed: (deleted: readonly NetlinkMessage[] | undefined) => void) {
    this.#changed = changed
    this.#socket.join(nft.NFNLGRP_NFTABLES)
    this.#listen()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wait?.cancel()
    clearTimeout(this.#timer)
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #listen(): void {
    this.#wait = onReadable(this.#socket.fd, () => {
      this.#take(this.#socket.notifications())
      this.#listen()
    })
    this.#wait.unref()
  }

  #take(told: readonly NetlinkMessage[] | undefined): void {
    const deleted = told?.filter(
      (message) => message.type === typeOf(nft.NFT_MSG_DELSETELEM) && !NetlinkSocket.isOwn(message),
    )
    if (told?.some(({ type }) => structural.has(type)) !== false) this.#deleted = undefined
    else if (deleted !== undefined && deleted.length === 0) return
    else this.#deleted?.push(...(deleted ?? []))
    if (this.#deleted !== undefined && this.#deleted.length > MOST_MESSAGES) this.#deleted = undefined
    const settleMs = this.#deleted === undefined ? SETTLE_MS : ELEMENTS_SETTLE_MS
    this.#timer ??= setTimeout(() => this.#settled(), settleMs).unref()
  }

  #settled(): void {
    const deleted = this.#deleted
    this.#timer = undefined
    this.#deleted = []
    this.#changed(deleted)
  }
}
