import { AF_INET, AF_INET6 } from '@ctr/linux'
import { ipBytes, lastIp, sizeOf, type Family, type Ip } from '../address/ip.js'
import * as nl from './constants.js'
import { readAttributes, type NetlinkMessage } from './message-reader.js'
import type { MessageWriter } from './message-writer.js'
import type { RouteRequest } from './route-request.js'

/** A route of any table. */
export interface RouteInfo {
  readonly family: number
  readonly prefixLength: number
  readonly destination: Buffer | undefined
  readonly interfaceIndex: number | undefined
  /** It leads to addresses of the host itself, or is one of broadcasts and groups. */
  readonly isLocal: boolean
}

const familyNumber = { 4: AF_INET, 6: AF_INET6 } as const

/**
 * `ip address add ADDRESS/LENGTH broadcast + dev INDEX`. An IPv6 address is not looked for on the network first
 * (`nodad`): the pool knows who has it, and it is to work at once.
 */
export function newAddress(index: number, name: string, address: Ip, prefixLength: number): RouteRequest {
  return {
    type: nl.RTM_NEWADDR,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `add the address of ${name}`,
    body: (writer) => {
      writer.u8(familyNumber[address.family])
      writer.u8(prefixLength)
      writer.u16(address.family === 6 ? nl.IFA_F_NODAD : 0) // ifa_flags, ifa_scope
      writer.u32(index)
      writer.attribute(nl.IFA_LOCAL, ipBytes(address))
      writer.attribute(nl.IFA_ADDRESS, ipBytes(address))
      if (address.family === 4) writer.attribute(nl.IFA_BROADCAST, ipBytes(broadcast(address, prefixLength)))
    },
  }
}

function broadcast({ family, value }: Ip, prefixLength: number): Ip {
  const size = sizeOf({ family, prefixLength })
  return { family, value: lastIp({ family, base: value - (value % size), prefixLength }) }
}

/** How a default route is made. */
export interface DefaultRouteOptions {
  /** In the place of the one that is there: `ip route replace`. Default false: that is an error. */
  readonly replace?: boolean | undefined
}

/**
 * `ip route add default via GATEWAY dev INDEX`.
 *
 * @param gateway - A family alone is everything straight out of the interface: `ip route add default dev INDEX`.
 */
export function newDefaultRoute(
  index: number,
  gateway: Ip | Family,
  { replace = false }: DefaultRouteOptions = {},
): RouteRequest {
  const [family, via] = typeof gateway === 'number' ? [gateway] : [gateway.family, gateway]
  return {
    type: nl.RTM_NEWROUTE,
    flags: nl.NLM_F_CREATE | (replace ? nl.NLM_F_REPLACE : nl.NLM_F_EXCL),
    action: 'add the default route',
    body: (writer) => {
      defaultRoute(writer, family, via === undefined && family === 4)
      if (via !== undefined) writer.attribute(nl.RTA_GATEWAY, ipBytes(via))
      writer.attributeU32(nl.RTA_OIF, index)
    },
  }
}

function defaultRoute(writer: MessageWriter, family: Family, onLink: boolean): void {
  writer.u32(familyNumber[family]) // prefix length 0
  writer.u8(nl.RT_TABLE_MAIN)
  writer.u8(nl.RTPROT_BOOT)
  writer.u8(onLink ? nl.RT_SCOPE_LINK : nl.RT_SCOPE_UNIVERSE)
  writer.u8(nl.RTN_UNICAST)
  writer.u32(0)
}

/** `ip -4 route show table all`, or the same of IPv6. */
export function getRoutes(family: Family): RouteRequest {
  return {
    type: nl.RTM_GETROUTE,
    flags: nl.NLM_F_DUMP,
    action: 'list routes',
    body: (writer) => {
      writer.u32(familyNumber[family])
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
    isLocal: body[7] !== nl.RTN_UNICAST,
  }
}
