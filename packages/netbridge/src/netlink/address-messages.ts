import { AF_INET } from '@ctr/linux'
import { ipv4Bytes, lastAddress, subnetOf } from '../address/ipv4.js'
import * as nl from './constants.js'
import { readAttributes, type NetlinkMessage } from './message-reader.js'
import type { RouteRequest } from './route-request.js'

/** A route of any table. */
export interface RouteInfo {
  readonly family: number
  readonly prefixLength: number
  readonly destination: Buffer | undefined
  readonly interfaceIndex: number | undefined
}

/** `ip address add ADDRESS/LENGTH broadcast + dev INDEX`. */
export function newAddress(index: number, name: string, address: number, prefixLength: number): RouteRequest {
  const broadcast = lastAddress(subnetOf(address, prefixLength))
  return {
    type: nl.RTM_NEWADDR,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `add the address of ${name}`,
    body: (writer) => {
      writer.u8(AF_INET)
      writer.u8(prefixLength)
      writer.u16(0) // ifa_flags, ifa_scope
      writer.u32(index)
      writer.attribute(nl.IFA_LOCAL, ipv4Bytes(address))
      writer.attribute(nl.IFA_ADDRESS, ipv4Bytes(address))
      writer.attribute(nl.IFA_BROADCAST, ipv4Bytes(broadcast))
    },
  }
}

/** `ip route add default via GATEWAY dev INDEX`. */
export function newDefaultRoute(index: number, gateway: number): RouteRequest {
  return {
    type: nl.RTM_NEWROUTE,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: 'add the default route',
    body: (writer) => {
      writer.u32(AF_INET) // prefix length 0
      writer.u8(nl.RT_TABLE_MAIN)
      writer.u8(nl.RTPROT_BOOT)
      writer.u8(nl.RT_SCOPE_UNIVERSE)
      writer.u8(nl.RTN_UNICAST)
      writer.u32(0)
      writer.attribute(nl.RTA_GATEWAY, ipv4Bytes(gateway))
      writer.attributeU32(nl.RTA_OIF, index)
    },
  }
}

/** `ip -4 route show table all`. */
export function getRoutes(): RouteRequest {
  return {
    type: nl.RTM_GETROUTE,
    flags: nl.NLM_F_DUMP,
    action: 'list routes',
    body: (writer) => {
      writer.u32(AF_INET)
      writer.u32(0)
      writer.u32(0)
    },
  }
}

/** Reads an `RTM_NEWROUTE` message. */
export function readRoute({ body }: NetlinkMessage): RouteInfo {
  const attributes = readAttributes(body.subarray(12))
  return {
    family: body[0] ?? 0,
    prefixLength: body[1] ?? 0,
    destination: attributes.get(nl.RTA_DST),
    interfaceIndex: attributes.get(nl.RTA_OIF)?.readUInt32LE(0),
  }
}
