import type { AddressPool } from './address/address-pool.js'
import type { LinkReaper } from './link-reaper.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import type { OverlayPart } from './overlay/part.js'
import type { NftTable } from './nft/nft-table.js'
import type { PortReservations } from './port-reservations.js'
import type { EndpointRecords } from './state/endpoint-records.js'
import type { InstanceState } from './state/instance-state.js'
import type { NetworkRecord } from './state/network-record.js'
import type { PortClaims } from './state/port-claims.js'

/** An open network and everything that attaching needs. */
export interface OpenNetwork {
  readonly record: NetworkRecord
  /** Index of the bridge, or of the parent. */
  readonly linkIndex: number
  /** Hardware address of the parent, where links have that. */
  readonly parentMac: string | undefined
  readonly state: InstanceState
  readonly endpoints: EndpointRecords
  readonly pool: AddressPool
  /** Set when the network has IPv6. */
  readonly pool6: AddressPool | undefined
  readonly table: NftTable
  readonly ports: PortClaims
  readonly reservations: PortReservations
  readonly route: NetlinkSocket
  readonly reaper: LinkReaper
  /** Of overlay networks: this host's part in it. */
  readonly overlay: OverlayPart | undefined
}
