import { formatIpSubnet } from '../address/ip.js'
import { NetbridgeError } from '../errors.js'
import { blocksIn } from './blocks.js'
import { keysOf, parsePeers } from './definition.js'
import type { OverlayStore } from './store.js'

/** A host of an overlay network, as the store has it. */
export interface OverlayHost {
  /** Its name among the hosts. */
  readonly host: string
  /** Whether it is the one that asks. */
  readonly isOwn: boolean
  /** Where it is; null for one that is not heard of: away, or gone for good. */
  readonly address: string | null
  /** How many containers it has there, as it was last heard. */
  readonly containers: number
  /** The addresses that it alone hands out. */
  readonly blocks: readonly string[]
}

/** Where the hosts of a network are looked for. */
interface Asked {
  readonly store: OverlayStore
  /** Name of the network. */
  readonly network: string
  /** Name of this host. */
  readonly own: string
}

/** All hosts that are there or have addresses, by name. */
export async function overlayHosts({ store, network, own }: Asked): Promise<OverlayHost[]> {
  const { entries } = await store.list(keysOf(network).all)
  const peers = new Map(parsePeers(network, entries).map((peer) => [peer.host, peer]))
  const blocks = blocksIn(network, entries)
  const names = new Set([...peers.keys(), ...blocks.map(({ host }) => host)])
  return [...names].sort().map((host) => ({
    host,
    isOwn: host === own,
    address: peers.get(host)?.address ?? null,
    containers: peers.get(host)?.endpoints.length ?? 0,
    blocks: blocks.flatMap((each) => (each.host === host ? [formatIpSubnet(each.block)] : [])),
  }))
}

/**
 * Gives the addresses of a host that is gone for good to whoever asks for them next.
 *
 * @returns The blocks.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_IN_USE`: it is heard of; `ERR_NETBRIDGE_NOT_FOUND`: none of that name
 *   has any.
 */
export async function releaseHost(asked: Asked, host: string): Promise<readonly string[]> {
  const { store, network } = asked
  const found = (await overlayHosts(asked)).find((each) => each.host === host)
  if (found === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_NOT_FOUND',
      `cannot release host ${host} of network ${network}: there is none of that name`,
    )
  }
  if (found.isOwn || found.address !== null) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_IN_USE',
      `cannot release host ${host} of network ${network}: ${found.isOwn ? 'it is this one' : `it is there, at ${found.address!}`}; remove the network on it`,
    )
  }
  for (const block of found.blocks) await store.deleteIf(keysOf(network).blocks + block, host)
  return found.blocks
}
