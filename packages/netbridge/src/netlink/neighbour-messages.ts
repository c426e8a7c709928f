import { AF_BRIDGE, AF_INET, AF_INET6 } from '@ctr/linux'
import * as nl from './constants.js'
import { readAttributes, type NetlinkMessage } from './message-reader.js'
import type { RouteRequest } from './route-request.js'

/** Which of the kernel's tables an entry is in: of neighbours by family, of the bridge, or of the VXLAN link itself. */
export type NeighbourTable = 'ipv4' | 'ipv6' | 'bridge' | 'vxlan'

/** An entry of such a table. */
export interface Neighbour {
  readonly table: NeighbourTable
  /** Index of the link: the bridge for neighbours, else the VXLAN link. */
  readonly index: number
  readonly mac: Uint8Array
  /** Address of the neighbour, or of the host that the frame is sent to; none in the table of the bridge. */
  readonly address: Uint8Array | undefined
}

/** An entry that is there. */
export interface FoundNeighbour extends Neighbour {
  /** It is one that was set as {@link newNeighbour} does: others the kernel has found out. */
  readonly isSet: boolean
}

const layouts = {
  ipv4: { family: AF_INET, state: nl.NUD_PERMANENT, flags: 0 },
  ipv6: { family: AF_INET6, state: nl.NUD_PERMANENT, flags: 0 },
  bridge: { family: AF_BRIDGE, state: nl.NUD_NOARP, flags: nl.NTF_MASTER },
  vxlan: { family: AF_BRIDGE, state: nl.NUD_PERMANENT | nl.NUD_NOARP, flags: nl.NTF_SELF },
} as const

/**
 * `ip neighbour replace`, `bridge fdb replace MAC dev VXLAN master static`, or `bridge fdb append MAC dev VXLAN self
 * permanent dst HOST`. Hardware address zero of a VXLAN link is everybody nothing else is known of, and broadcasts.
 */
export function newNeighbour(entry: Neighbour): RouteRequest {
  const isFlood = entry.table === 'vxlan' && entry.mac.every((byte) => byte === 0)
  const flags = nl.NLM_F_CREATE | (isFlood ? nl.NLM_F_APPEND : nl.NLM_F_REPLACE)
  return request(entry, nl.RTM_NEWNEIGH, flags, 'add')
}

/** `ip neighbour delete`, `bridge fdb delete`. */
export function deleteNeighbour(entry: Neighbour): RouteRequest {
  return request(entry, nl.RTM_DELNEIGH, 0, 'delete')
}

function request(
  { table, index, mac, address }: Neighbour,
  type: number,
  flags: number,
  verb: string,
): RouteRequest {
  const layout = layouts[table]
  return {
    type,
    flags,
    action: `${verb} ${Buffer.from(mac).toString('hex')} in table ${table} of link ${index}`,
    body: (writer) => {
      writer.u32(layout.family)
      writer.u32(index)
      writer.u16(layout.state)
      writer.u8(layout.flags)
      writer.u8(0) // ndm_type
      if (address !== undefined) writer.attribute(nl.NDA_DST, address)
      writer.attribute(nl.NDA_LLADDR, mac)
    },
  }
}

/** `ip neighbour show nud all`, `bridge fdb show`: of all links. */
export function getNeighbours(table: NeighbourTable): RouteRequest {
  return {
    type: nl.RTM_GETNEIGH,
    flags: nl.NLM_F_DUMP,
    action: `list table ${table}`,
    body: (writer) => {
      writer.u32(layouts[table].family)
      writer.u32(0)
      writer.u32(0)
    },
  }
}

/** Reads an `RTM_NEWNEIGH` message; undefined when it has no hardware address. */
export function readNeighbour({ body }: NetlinkMessage): FoundNeighbour | undefined {
  const attributes = readAttributes(body.subarray(12))
  const mac = attributes.get(nl.NDA_LLADDR)
  if (mac === undefined) return undefined
  const state = body.readUInt16LE(8)
  const family = body[0]
  const inBridge = attributes.has(nl.NDA_MASTER) ? 'bridge' : 'vxlan'
  const table = family === AF_INET ? 'ipv4' : family === AF_INET6 ? 'ipv6' : inBridge
  return {
    table,
    index: body.readInt32LE(4),
    mac,
    address: attributes.get(nl.NDA_DST),
    isSet: (state & layouts[table].state) !== 0,
  }
}
