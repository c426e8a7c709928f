import * as nl from './constants.js'
import { linkHeader } from './link-messages.js'
import type { MessageWriter } from './message-writer.js'
import type { RouteRequest } from './route-request.js'

/** How links of one parent reach each other; see ip-link(8). */
export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru'

/** Where an ipvlan works: with frames, with packets, or with packets that netfilter sees; see ip-link(8). */
export type IpvlanMode = 'l2' | 'l3' | 'l3s'

const macvlanModes: Readonly<Record<MacvlanMode, number>> = { private: 1, vepa: 2, bridge: 4, passthru: 8 }
const ipvlanModes: Readonly<Record<IpvlanMode, number>> = { l2: 0, l3: 1, l3s: 2 }

/** What a link on top of another one is to be, inside a network namespace. */
export interface StackedLink {
  /** Index of the link that it stands on. */
  readonly parent: number
  readonly name: string
  readonly netnsFd: number
  readonly mtu: number | undefined
}

/**
 * `ip link add link PARENT name NAME address MAC netns FD type macvlan mode MODE`.
 *
 * @param mac - Unset is the kernel's choice: in mode `passthru` the parent's.
 */
export function newMacvlan(link: StackedLink, mac: Uint8Array | undefined, mode: MacvlanMode): RouteRequest {
  return stacked(link, 'macvlan', mac, (writer) =>
    writer.attributeU32(nl.IFLA_MACVLAN_MODE, macvlanModes[mode]),
  )
}

/** `ip link add link PARENT name NAME netns FD type ipvlan mode MODE`. Its hardware address is its parent's. */
export function newIpvlan(link: StackedLink, mode: IpvlanMode): RouteRequest {
  return stacked(link, 'ipvlan', undefined, (writer) =>
    writer.attribute(nl.IFLA_IPVLAN_MODE, Uint8Array.of(ipvlanModes[mode], 0)),
  )
}

function stacked(
  { parent, name, netnsFd, mtu }: StackedLink,
  kind: string,
  mac: Uint8Array | undefined,
  data: (writer: MessageWriter) => void,
): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `create ${kind} ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.attributeU32(nl.IFLA_LINK, parent)
      writer.attributeU32(nl.IFLA_NET_NS_FD, netnsFd)
      if (mac !== undefined) writer.attribute(nl.IFLA_ADDRESS, mac)
      if (mtu !== undefined) writer.attributeU32(nl.IFLA_MTU, mtu)
      writer.nested(nl.IFLA_LINKINFO, () => {
        writer.attributeString(nl.IFLA_INFO_KIND, kind)
        writer.nested(nl.IFLA_INFO_DATA, () => data(writer))
      })
    },
  }
}

/** `ip link add link PARENT name NAME up type vlan id ID`. */
export function newVlan(parent: number, name: string, id: number): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `create VLAN ${id} as ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, nl.IFF_UP, nl.IFF_UP)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.attributeU32(nl.IFLA_LINK, parent)
      writer.nested(nl.IFLA_LINKINFO, () => {
        writer.attributeString(nl.IFLA_INFO_KIND, 'vlan')
        writer.nested(nl.IFLA_INFO_DATA, () => writer.attribute(nl.IFLA_VLAN_ID, Uint8Array.of(id, id >> 8)))
      })
    },
  }
}
