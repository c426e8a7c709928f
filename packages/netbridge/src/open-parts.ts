import { NETLINK_NETFILTER, NETLINK_ROUTE } from '@ctr/linux'
import { AddressPool } from './address/address-pool.js'
import type { IpSubnet } from './address/ip.js'
import { findLink, reapedGroup } from './bridge.js'
import { Firewall } from './firewall/firewall.js'
import { LinkReaper } from './link-reaper.js'
import { NetlinkSocket } from './netlink/netlink-socket.js'
import type { OpenNetwork } from './network-context.js'
import { NftTable } from './nft/nft-table.js'
import { dropNetwork, plansOf, type OpenedNetwork } from './open-network.js'
import { openPart } from './overlay/part.js'
import { hostAddresses } from './parent-link.js'
import { PortReservations } from './port-reservations.js'
import type { InstanceState } from './state/instance-state.js'
import { isBridge } from './state/network-record.js'
import { restoreTables, tableNetwork } from './tables.js'

/** What an open network works with. */
export interface NetworkParts {
  readonly network: OpenNetwork
  readonly netfilter: NetlinkSocket
  /** Of bridges: how they get past the firewalls of others. */
  readonly firewall: Firewall | undefined
}

/** Which network of which instance. */
export interface NetworkNames {
  readonly instance: string
  readonly name: string
}

/** Finds a network, or makes it. */
export type FindNetwork = (route: NetlinkSocket) => OpenedNetwork

/** Opens everything that the network which `find` finds or makes needs, or nothing at all: what is new is undone. */
export function openParts(
  state: InstanceState,
  { instance, name }: NetworkNames,
  find: FindNetwork,
): NetworkParts {
  return state.locked(() => {
    const acquired: { close(): unknown }[] = []
    const keep = <Resource extends { close(): unknown }>(resource: Resource): Resource => {
      acquired.push(resource)
      return resource
    }
    try {
      keep({ close: () => state.forgetUnrecorded(name) })
      const route = keep(new NetlinkSocket(NETLINK_ROUTE))
      const netfilter = keep(new NetlinkSocket(NETLINK_NETFILTER))
      const { record, linkIndex, made } = find(route)
      if (made) keep({ close: () => dropNetwork(state, route, record) })
      const endpoints = state.endpoints(name)
      const { overlay: info } = record.info
      const overlay = info === undefined ? undefined : keep(openPart(state, name, info))
      const hosts = isBridge(record) ? [] : hostAddresses(route)
      const [pool, pool6] = plansOf(record).map((plan) => {
        const reserved = [...plan.reserved, ...hosts]
        const parts = overlay && ((): IpSubnet[] => overlay.blocks.of(plan.subnet.family))
        return keep(new AddressPool(state.networkFolder(name), { ...plan, parts, reserved }))
      })
      const reaper = keep(new LinkReaper(reapedGroup(record.subnet)))
      const reservations = keep(new PortReservations())
      const ports = keep(state.ports())
      const table = new NftTable(instance, netfilter)
      const parentMac = isBridge(record) ? undefined : findLink(route, record.info.parent ?? '')?.mac
      const network = {
        ...{ record, linkIndex, parentMac, state, endpoints, pool: pool!, pool6, table, route, reaper },
        ...{ ports, reservations, overlay },
      }
      const firewall = isBridge(record) ? keep(Firewall.of(instance, state)) : undefined
      if (isBridge(record) && !table.addNetwork(tableNetwork(record))) restoreTables(network)
      for (const { ports: published, ipv6 } of endpoints.list())
        for (const port of published) reservations.tryToHold(port, ipv6?.address)
      reservations.watch(ports)
      firewall?.ensurePasses()
      firewall?.ensureLegacyPasses()
      return { network, netfilter, firewall }
    } catch (error) {
      for (const resource of acquired.reverse()) void resource.close()
      throw error
    }
  })
}
