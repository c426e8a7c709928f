import type { EndpointInfo } from './endpoint.js'
import type { NftTable, TableContent, TableNetwork } from './nft/nft-table.js'
import type { Publication } from './nft/port-elements.js'
import type { Sender } from './nft/senders.js'
import type { PublishedPort } from './ports.js'
import type { EndpointRecords } from './state/endpoint-records.js'
import type { InstanceState } from './state/instance-state.js'
import type { BridgeRecord } from './state/network-record.js'

/** What of an open network its tables are made from. */
export interface TableSource {
  readonly state: InstanceState
  readonly table: NftTable
}

/** The same, and where its endpoints are recorded. */
export interface DismissSource extends TableSource {
  readonly endpoints: EndpointRecords
}

/** What an endpoint has in the tables. */
export interface Dismissed {
  readonly id: string
  readonly ports: readonly PublishedPort[]
  /** Its ports may lead to an IPv6 address. */
  readonly ipv6: boolean
  readonly sender: Sender | undefined
}

/** A network as the table knows it. */
export function tableNetwork({ bridge, info }: BridgeRecord): TableNetwork {
  const { subnets, masquerade, internal, icc } = info
  const ranges = subnets.map(({ subnet }) => subnet)
  return { bridge, subnets: ranges, masquerade: masquerade && !internal, icc, internal }
}

/** An endpoint's ports and where they lead. */
export function publicationOf({ address, ipv6, ports }: EndpointInfo): Publication {
  return { address, address6: ipv6?.address, ports }
}

/** Who an endpoint may send as; undefined when nobody checks. */
export function senderOf({ ifname, mac, address, ipv6, antiSpoofing }: EndpointInfo): Sender | undefined {
  if (antiSpoofing !== true || ifname === null) return undefined
  return { ifname, mac, address, address6: ipv6?.address }
}

/** What an endpoint that is recorded has in the tables. */
export function dismissedOf(info: EndpointInfo): Dismissed {
  return { id: info.id, ports: info.ports, ipv6: info.ipv6 !== null, sender: senderOf(info) }
}

/** Makes the tables again from what is recorded. Nobody else of the instance may change them at the same time. */
export function restoreTables({ state, table }: TableSource): void {
  table.replace(wantedContent(state))
}

/** What is to be in the tables, by what is recorded. */
export function wantedContent(state: InstanceState): TableContent {
  const records = state.bridges()
  const endpoints = records.flatMap(({ name }) => state.endpoints(name).list())
  return {
    networks: records.map(tableNetwork),
    publications: endpoints.map(publicationOf),
    senders: endpoints.flatMap((info) => senderOf(info) ?? []),
  }
}

/** Lets an endpoint into the tables, where it has something in them. It is recorded already. */
export function admit(source: TableSource, info: EndpointInfo): void {
  const sender = senderOf(info)
  if (info.ports.length === 0 && sender === undefined) return
  const { state, table } = source
  state.locked(() => {
    const isPublished = info.ports.length === 0 || table.publish(publicationOf(info))
    const isGuarded = sender === undefined || table.guard(sender)
    if (!isPublished || !isGuarded) restoreTables(source)
  })
}

/** Takes an endpoint out of the tables and out of the records, in one go for whoever makes the tables again. */
export function dismiss(source: DismissSource, { id, ports, ipv6, sender }: Dismissed): void {
  const { state, table, endpoints } = source
  if (ports.length === 0 && sender === undefined) {
    endpoints.remove(id)
    return
  }
  state.locked(() => {
    table.unpublish(ports, ipv6)
    if (sender !== undefined) table.unguard(sender)
    endpoints.remove(id)
  })
}
