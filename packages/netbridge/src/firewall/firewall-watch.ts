import { NETLINK_NETFILTER, onReadable, type ReadyWait } from '@ctr/linux'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from '../nft/constants.js'

/** How long changes may go on before they are looked at, in milliseconds: a firewall is loaded in many steps. */
const SETTLE_MS = 100

/** Changes of tables, chains and rules. Those of sets are the everyday of whoever publishes ports. */
const watched = new Set(
  [
    nft.NFT_MSG_NEWTABLE,
    nft.NFT_MSG_DELTABLE,
    nft.NFT_MSG_NEWCHAIN,
    nft.NFT_MSG_DELCHAIN,
    nft.NFT_MSG_NEWRULE,
    nft.NFT_MSG_DELRULE,
  ].map((type) => (nft.NFNL_SUBSYS_NFTABLES << 8) | type),
)

/**
 * Calls back after somebody has changed the nf_tables rules of the network namespace that the thread is in now, as a
 * firewall does when it is loaded anew. Does not keep the event loop alive.
 */
export class FirewallWatch implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER)
  readonly #changed: () => void
  #wait: ReadyWait | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @param changed - Errors of it are uncaught ones. */
  constructor(changed: () => void) {
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
      if (this.#isChange()) this.#timer ??= setTimeout(() => this.#settled(), SETTLE_MS).unref()
      this.#listen()
    })
    this.#wait.unref()
  }

  #isChange(): boolean {
    const told = this.#socket.notifications()
    return told === undefined || told.some(({ type }) => watched.has(type))
  }

  #settled(): void {
    this.#timer = undefined
    this.#changed()
  }
}
