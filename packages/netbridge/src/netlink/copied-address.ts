import * as nl from './constants.js'
import { readAttributes, type NetlinkMessage } from './message-reader.js'
import type { RouteRequest } from './route-request.js'

/** An address of any family as the kernel reports it, to be put on another device as it is. */
export interface AddressInfo {
  readonly family: number
  readonly prefixLength: number
  readonly scope: number
  /** `IFA_F_*`. */
  readonly flags: number
  readonly index: number
  readonly attributes: ReadonlyMap<number, Buffer>
}

/** `ip -4 addr show` or `ip -6 addr show`. */
export function getAddresses(family: number): RouteRequest {
  return {
    type: nl.RTM_GETADDR,
    flags: nl.NLM_F_DUMP,
    action: 'list addresses',
    body: (writer) => {
      writer.u8(family)
      writer.u8(0)
      writer.u16(0)
      writer.u32(0)
    },
  }
}

/** Reads an `RTM_NEWADDR` message. */
export function readAddress({ body }: NetlinkMessage): AddressInfo {
  const attributes = readAttributes(body.subarray(8))
  return {
    family: body[0] ?? 0,
    prefixLength: body[1] ?? 0,
    flags: attributes.get(nl.IFA_FLAGS)?.readUInt32LE(0) ?? body[2] ?? 0,
    scope: body[3] ?? 0,
    index: body.readUInt32LE(4),
    attributes,
  }
}

/** Permanent and of global scope: not what the kernel or a DHCP client put there for this network. */
export function isKept({ flags, scope }: AddressInfo): boolean {
  return (flags & nl.IFA_F_PERMANENT) !== 0 && scope === nl.RT_SCOPE_UNIVERSE
}

/** What says the same on another device; label and life times do not. */
const copied = [nl.IFA_ADDRESS, nl.IFA_LOCAL, nl.IFA_BROADCAST, nl.IFA_RT_PRIORITY]
const copiedFlags = nl.IFA_F_NODAD | nl.IFA_F_NOPREFIXROUTE | nl.IFA_F_MCAUTOJOIN

/** `ip addr add ADDRESS dev INDEX`, with the attributes of an address from elsewhere. */
export function copyAddress(index: number, name: string, address: AddressInfo): RouteRequest {
  return {
    type: nl.RTM_NEWADDR,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `add an address to ${name}`,
    body: (writer) => {
      writer.u8(address.family)
      writer.u8(address.prefixLength)
      writer.u8(0)
      writer.u8(address.scope)
      writer.u32(index)
      writer.attributeU32(nl.IFA_FLAGS, address.flags & copiedFlags)
      for (const type of copied) {
        const value = address.attributes.get(type)
        if (value !== undefined) writer.attribute(type, value)
      }
    },
  }
}
