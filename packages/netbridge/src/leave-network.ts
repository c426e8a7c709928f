import type { Firewall } from './firewall/firewall.js'
import { isNetbridgeError } from './errors.js'
import type { OpenNetwork } from './network-context.js'
import { dropBridge } from './open-network.js'
import type { OverlayMember } from './overlay/member.js'
import { dropParent } from './parent-link.js'
import { allHoldings, reapOrphans, releaseHoldings } from './release.js'
import { isBridge } from './state/network-record.js'
import { tableNetwork } from './tables.js'

/**
 * Takes away everything that belongs to other ids, and links on the bridge that belong to nobody.
 *
 * @param liveIds - Ids to keep, or whether to keep one.
 * @returns The ids that something was taken away from.
 */
export function cleanUpNetwork(
  network: OpenNetwork,
  liveIds: Iterable<string> | ((id: string) => boolean),
): string[] {
  const live = typeof liveIds === 'function' ? undefined : new Set(liveIds)
  const isLive = typeof liveIds === 'function' ? liveIds : (id: string) => live?.has(id) === true
  const stale = [...allHoldings(network).values()].filter(({ id }) => !isLive(id))
  for (const holdings of stale) releaseHoldings(network, holdings)
  reapOrphans(network)
  network.endpoints.removeUnfinished()
  return stale.map(({ id }) => id)
}

/** Removes a network from the host: every endpoint, its links, its part of the tables and its files. */
export async function removeFromHost(network: OpenNetwork, firewall: Firewall | undefined): Promise<void> {
  const { record, state, table, route } = network
  cleanUpNetwork(network, [])
  await network.reaper.flush()
  state.locked(() => {
    if (isBridge(record)) {
      dropBridge(route, record)
      table.removeNetwork(tableNetwork(record))
    } else dropParent(state, route, record)
    state.removeNetwork(record.name)
    if (state.bridges().length === 0) table.delete()
    firewall?.ensurePasses()
    firewall?.ensureLegacyPasses()
  })
}

/** Leaves an overlay network. By force it is left although its store, which then goes on naming this host, is away. */
export async function leaveStore(member: OverlayMember | undefined, force: boolean): Promise<void> {
  try {
    await member?.leave()
  } catch (error) {
    if (!force || !isNetbridgeError(error) || error.code !== 'ERR_NETBRIDGE_STORE') throw error
  }
}
