import { watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { containsIp, formatIpSubnet, parseIp, type IpSubnet } from '../address/ip.js'
import { findLink } from '../bridge.js'
import { isNetbridgeError, NetbridgeError } from '../errors.js'
import type { OpenNetwork } from '../network-context.js'
import { makeFolder } from '../state/files.js'
import { keepSpare } from './addresses.js'
import { blocksIn, reconcileBlocks } from './blocks.js'
import {
  keysOf,
  numberKey,
  parseDefinition,
  parsePeers,
  type OverlayDefinition,
  type OverlayPeer,
} from './definition.js'
import { forwardTo } from './forwarding.js'
import type { OverlayPart } from './part.js'
import { Turn } from './turn.js'
import { vxlanName } from './vxlan-link.js'

/** How soon another process of the host takes over, in milliseconds. */
const TURN_MS = 500
/** How long after a failure the store is asked again: the first time, and at most. */
const FIRST_RETRY_MS = 200
const LAST_RETRY_MS = 3000

/** An open network that is an overlay. */
export type OverlayNetwork = OpenNetwork & { readonly overlay: OverlayPart }

/**
 * This host as one of an overlay network, as long as a process has it open: it tells the others of itself and of its
 * containers, and the kernel of the others. Without the store all stays as it was last known, and it is asked again
 * and again. Of several processes of the host one does this at a time.
 */
export class OverlayMember {
  readonly #network: OverlayNetwork
  readonly #folder: string
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #wake = new AbortController()
  #failure: NetbridgeError | undefined
  #tried: () => void = () => undefined
  readonly #first = new Promise<void>((resolve) => {
    this.#tried = resolve
  })

  /** @param folder - Of the network's state. */
  constructor(network: OverlayNetwork, folder: string) {
    this.#network = network
    this.#folder = folder
    this.#running = this.#run()
  }

  /** Why the store is not heard of; undefined when all is well. */
  get failure(): NetbridgeError | undefined {
    return this.#failure
  }

  /** Waits until the store was asked once, with success or without. */
  async tried(): Promise<void> {
    await this.#first
  }

  /** Ends; what the kernel and the others know stays, the latter until they forget this host. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /**
   * Ends, and takes this host out of the store; with the last one the whole network.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STORE`: nothing or a part was taken out; call it again.
   */
  async leave(): Promise<void> {
    await this.close()
    const { overlay, record } = this.#network
    const { store, info } = overlay
    const keys = keysOf(record.name)
    await store.withdraw(keys.hosts + info.host)
    const { entries } = await store.list(keys.all)
    const blocks = blocksIn(record.name, entries)
    for (const { block, host } of blocks)
      if (host === info.host) await store.deleteIf(keys.blocks + formatIpSubnet(block), host)
    const isLast =
      parsePeers(record.name, entries).length === 0 && blocks.every(({ host }) => host === info.host)
    if (!isLast) return
    await store.deleteIf(keys.definition, entries.get(keys.definition) ?? '')
    await store.deleteIf(numberKey(info.vni), record.info.id)
  }

  async #run(): Promise<void> {
    const { endpoints } = this.#network
    using turn = new Turn(join(this.#folder, 'member'))
    makeFolder(endpoints.folder)
    const watcher: FSWatcher = watch(endpoints.folder, { persistent: false }, () => this.#wake.abort())
    watcher.on('error', () => undefined) // the folder went with the network
    let retryMs = FIRST_RETRY_MS
    while (!this.#stop.signal.aborted && this.#isThere()) {
      if (!turn.take()) {
        this.#tried()
        await this.#pause(TURN_MS)
        continue
      }
      try {
        const { since, failure } = await this.#synchronize()
        this.#failure = failure
        retryMs = FIRST_RETRY_MS
        this.#tried()
        await this.#untilChange(since)
      } catch (error) {
        if (!isNetbridgeError(error)) throw error
        this.#failure = error
        this.#tried()
        await this.#pause(retryMs)
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      }
    }
    watcher.close()
  }

  /** @returns The moment of the store that all is as of, and what cannot be mended. */
  async #synchronize(): Promise<{ readonly since: string; readonly failure: NetbridgeError | undefined }> {
    this.#wake = new AbortController()
    const { overlay, record, endpoints } = this.#network
    const { store, info, blocks, peers } = overlay
    const keys = keysOf(record.name)
    const own: Omit<OverlayPeer, 'host'> = {
      address: info.local,
      endpoints: endpoints.list().map(({ id, names, address, ipv6, mac }) => ({
        id,
        names,
        address,
        ipv6: ipv6?.address ?? null,
        mac,
      })),
    }
    const definition = await store.create(keys.definition, JSON.stringify(this.#definition()))
    if (parseDefinition(record.name, definition).id !== record.info.id) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_STORE',
        `cannot go on with network ${record.name}: the store has another one of that name now; remove it here`,
      )
    }
    await store.announce(keys.hosts + info.host, JSON.stringify(own), info.ttlSeconds)
    const { entries, revision } = await store.list(keys.all)
    const claims = { store, network: record.name, host: info.host }
    const lost = await reconcileBlocks(blocks, claims, entries)
    const others = this.#believable(parsePeers(record.name, entries))
    peers.set(others)
    this.#forward(others)
    await keepSpare(this.#network)
    return { since: revision, failure: this.#doubleAddress(lost) }
  }

  /** A container whose address another host hands out, since this one was taken for gone. */
  #doubleAddress(
    taken: readonly { readonly block: IpSubnet; readonly host: string }[],
  ): NetbridgeError | undefined {
    const { endpoints, record } = this.#network
    for (const { id, address, ipv6 } of endpoints.list()) {
      for (const text of [address, ...(ipv6 === null ? [] : [ipv6.address])]) {
        const owner = taken.find(({ block }) => containsIp(block, parseIp(text)!))
        if (owner === undefined) continue
        return new NetbridgeError(
          'ERR_NETBRIDGE_ADDRESS_TAKEN',
          `cannot vouch for ${text} of ${id} on network ${record.name}: it is host ${owner.host}'s now, as this host was released; connect the container again`,
        )
      }
    }
    return undefined
  }

  /** Nobody is sent what belongs to this host. */
  #believable(peers: readonly OverlayPeer[]): OverlayPeer[] {
    const { overlay, record, endpoints } = this.#network
    const own = endpoints.list()
    const macs = new Set(own.map(({ mac }) => mac))
    const addresses = new Set(own.flatMap(({ address, ipv6 }) => [address, ipv6?.address]))
    for (const { gateway } of record.info.subnets) addresses.add(gateway)
    return peers
      .filter(({ host, address }) => host !== overlay.info.host && address !== overlay.info.local)
      .map((peer) => ({
        ...peer,
        endpoints: peer.endpoints.filter(
          ({ mac, address, ipv6 }) =>
            !macs.has(mac) && !addresses.has(address) && (ipv6 === null || !addresses.has(ipv6)),
        ),
      }))
  }

  #forward(peers: readonly OverlayPeer[]): void {
    const { route, linkIndex, record } = this.#network
    const vxlan = findLink(route, vxlanName(record.info.id))
    if (vxlan !== undefined) forwardTo(route, { bridge: linkIndex, vxlan: vxlan.index }, peers)
  }

  async #untilChange(since: string): Promise<void> {
    const { overlay, record } = this.#network
    // told of nothing, the others have to hear of this host all the same
    const timer = new AbortController()
    const timeout = setTimeout(() => timer.abort(), (overlay.info.ttlSeconds * 1000) / 3).unref()
    const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal, timer.signal])
    try {
      await overlay.store.changed(keysOf(record.name).all, since, signal)
    } finally {
      clearTimeout(timeout)
    }
  }

  #definition(): OverlayDefinition {
    const { record, overlay } = this.#network
    const { id, internal, icc, masquerade, subnets } = record.info
    const { vni, port } = overlay.info
    return { id, internal, icc, masquerade, subnets, mtu: record.mtu!, vni, port }
  }

  /** Another process of the host may have removed it. */
  #isThere(): boolean {
    const { state, record } = this.#network
    return state.record(record.name)?.info.id === record.info.id
  }

  async #pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal])
    await delay(ms, undefined, { ref: false, signal }).catch(() => undefined)
  }
}

/** Starts this host's part in a network, if it is an overlay. */
export function memberOf(network: OpenNetwork): OverlayMember | undefined {
  const { overlay, state, record } = network
  if (overlay === undefined) return undefined
  return new OverlayMember({ ...network, overlay }, state.networkFolder(record.name))
}
