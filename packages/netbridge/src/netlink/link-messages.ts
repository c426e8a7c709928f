import * as nl from './constants.js'
import { readAttributes, readString, type NetlinkMessage } from './message-reader.js'
import type { MessageWriter } from './message-writer.js'
import type { RouteRequest } from './route-request.js'

/** A link as the kernel reports it. */
export interface LinkInfo {
  readonly index: number
  readonly name: string
  readonly up: boolean
  /** Index of the bridge that it is a port of. */
  readonly master: number | undefined
  readonly kind: string | undefined
  /** Hardware address in hexadecimal with colons, where it has one. */
  readonly mac: string | undefined
  /** Index of the link that it stands on, in whatever namespace that is. */
  readonly parent: number | undefined
  /** Largest packet in bytes. */
  readonly mtu: number | undefined
}

/** `struct ifinfomsg`. */
export function linkHeader(writer: MessageWriter, index: number, flags: number, change: number): void {
  writer.u32(0) // ifi_family, padding, ifi_type
  writer.u32(index)
  writer.u32(flags)
  writer.u32(change)
}

/** `ip link add NAME type bridge; ip link set NAME up`. */
export function newBridge(name: string, address: Uint8Array, mtu: number | undefined): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `create bridge ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, nl.IFF_UP, nl.IFF_UP)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.attribute(nl.IFLA_ADDRESS, address)
      if (mtu !== undefined) writer.attributeU32(nl.IFLA_MTU, mtu)
      writer.nested(nl.IFLA_LINKINFO, () => writer.attributeString(nl.IFLA_INFO_KIND, 'bridge'))
    },
  }
}

/** What {@link newVeth} needs to know. */
export interface VethOptions {
  /** Name of the host's end. */
  readonly name: string
  /** Index of the bridge. */
  readonly bridge: number
  readonly mtu: number | undefined
  /** Name, hardware address and namespace of the other end. */
  readonly peer: { readonly name: string; readonly mac: Uint8Array; readonly netnsFd: number }
}

/**
 * `ip link add NAME up master BRIDGE type veth peer name PEER address MAC netns FD`, with one queue each way:
 * the kernel's default of one per processor makes the request twice as slow.
 */
export function newVeth({ name, bridge, mtu, peer }: VethOptions): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `create veth ${name} with peer ${peer.name}`,
    body: (writer) => {
      linkHeader(writer, 0, nl.IFF_UP, nl.IFF_UP)
      writer.attributeString(nl.IFLA_IFNAME, name)
      queues(writer, mtu)
      writer.attributeU32(nl.IFLA_MASTER, bridge)
      writer.nested(nl.IFLA_LINKINFO, () => {
        writer.attributeString(nl.IFLA_INFO_KIND, 'veth')
        writer.nested(nl.IFLA_INFO_DATA, () => {
          writer.nested(nl.VETH_INFO_PEER, () => {
            linkHeader(writer, 0, 0, 0) // a peer that is to be up already is refused with ENOTCONN
            writer.attributeString(nl.IFLA_IFNAME, peer.name)
            writer.attribute(nl.IFLA_ADDRESS, peer.mac)
            writer.attributeU32(nl.IFLA_NET_NS_FD, peer.netnsFd)
            queues(writer, mtu)
          })
        })
      })
    },
  }
}

function queues(writer: MessageWriter, mtu: number | undefined): void {
  if (mtu !== undefined) writer.attributeU32(nl.IFLA_MTU, mtu)
  writer.attributeU32(nl.IFLA_NUM_TX_QUEUES, 1)
  writer.attributeU32(nl.IFLA_NUM_RX_QUEUES, 1)
}

/** How a bridge treats a port of it; what is unset stays as it is. */
export interface BridgePortOptions {
  /**
   * Frames may leave through the port by which they came (`hairpin on`), as they must when a container uses a port
   * published for itself and the host has br_netfilter on.
   */
  readonly hairpin?: boolean
  /** Frames do not pass between this port and others that are isolated too (`isolated on`). */
  readonly isolated?: boolean
  /** The bridge learns from frames who is beyond (`learning on`). */
  readonly learning?: boolean
  /** The bridge answers for neighbours that it knows instead of asking there (`neigh_suppress on`). */
  readonly neighSuppress?: boolean
}

/** `bridge link set dev NAME hairpin on isolated on`. */
export function setBridgePort(name: string, options: BridgePortOptions): RouteRequest {
  const flags = [
    [nl.IFLA_BRPORT_MODE, options.hairpin],
    [nl.IFLA_BRPORT_ISOLATED, options.isolated],
    [nl.IFLA_BRPORT_LEARNING, options.learning],
    [nl.IFLA_BRPORT_NEIGH_SUPPRESS, options.neighSuppress],
  ] as const
  return {
    type: nl.RTM_NEWLINK,
    flags: 0,
    action: `set how the bridge treats ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.nested(nl.IFLA_LINKINFO, () => {
        writer.attributeString(nl.IFLA_INFO_SLAVE_KIND, 'bridge')
        writer.nested(nl.IFLA_INFO_SLAVE_DATA, () => {
          for (const [type, on] of flags) if (on !== undefined) writer.attributeU8(type, Number(on))
        })
      })
    },
  }
}

/** `ip link set INDEX up`. */
export function setLinkUp(index: number, name: string): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: 0,
    action: `set ${name} up`,
    body: (writer) => linkHeader(writer, index, nl.IFF_UP, nl.IFF_UP),
  }
}

/** `ip link set dev NAME netns NETNS name NEWNAME`: one step, as the name may be taken in one of the two. */
export function moveToNamespace(index: number, name: string, netnsFd: number, newName: string): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: 0,
    action: `move link ${name} to another network namespace as ${newName}`,
    body: (writer) => {
      linkHeader(writer, index, 0, 0)
      writer.attributeU32(nl.IFLA_NET_NS_FD, netnsFd)
      writer.attributeString(nl.IFLA_IFNAME, newName)
    },
  }
}

/** `ip link set dev NAME name NEWNAME`, with `%d` in it for a number of the kernel's choice. */
export function renameLink(index: number, name: string, newName: string): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: 0,
    action: `rename link ${name} to ${newName}`,
    body: (writer) => {
      linkHeader(writer, index, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, newName)
    },
  }
}

/** `ip link set NAME down group GROUP`. */
export function setLinkDownInGroup(name: string, group: number): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: 0,
    action: `set ${name} down`,
    body: (writer) => {
      linkHeader(writer, 0, 0, nl.IFF_UP)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.attributeU32(nl.IFLA_GROUP, group)
    },
  }
}

/** `ip link delete NAME`. */
export function deleteLink(name: string): RouteRequest {
  return {
    type: nl.RTM_DELLINK,
    flags: 0,
    action: `delete link ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, name)
    },
  }
}

/** `ip link delete group GROUP`. */
export function deleteLinkGroup(group: number): RouteRequest {
  return {
    type: nl.RTM_DELLINK,
    flags: 0,
    action: `delete the links of group ${group}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeU32(nl.IFLA_GROUP, group)
    },
  }
}

/** `ip link show NAME`. */
export function getLink(name: string): RouteRequest {
  return {
    type: nl.RTM_GETLINK,
    flags: 0,
    action: `find link ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.attributeU32(nl.IFLA_EXT_MASK, nl.RTEXT_FILTER_SKIP_STATS)
    },
  }
}

/** `ip -s link show NAME`. */
export function getLinkStats(name: string): RouteRequest {
  return {
    type: nl.RTM_GETLINK,
    flags: 0,
    action: `read the figures of link ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, name)
    },
  }
}

/** The same by index. */
export function getLinkAt(index: number): RouteRequest {
  return {
    type: nl.RTM_GETLINK,
    flags: 0,
    action: `find link ${index}`,
    body: (writer) => {
      linkHeader(writer, index, 0, 0)
      writer.attributeU32(nl.IFLA_EXT_MASK, nl.RTEXT_FILTER_SKIP_STATS)
    },
  }
}

/** `ip link show`. */
export function getLinks(): RouteRequest {
  return {
    type: nl.RTM_GETLINK,
    flags: nl.NLM_F_DUMP,
    action: 'list links',
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeU32(nl.IFLA_EXT_MASK, nl.RTEXT_FILTER_SKIP_STATS)
    },
  }
}

/** `ip link show master INDEX`. */
export function getPorts(bridge: number): RouteRequest {
  return {
    type: nl.RTM_GETLINK,
    flags: nl.NLM_F_DUMP,
    action: 'list the ports of the bridge',
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeU32(nl.IFLA_MASTER, bridge)
      writer.attributeU32(nl.IFLA_EXT_MASK, nl.RTEXT_FILTER_SKIP_STATS)
    },
  }
}

/** Reads an `RTM_NEWLINK` message. */
export function readLink({ body }: NetlinkMessage): LinkInfo {
  const attributes = readAttributes(body.subarray(16))
  const info = readAttributes(attributes.get(nl.IFLA_LINKINFO) ?? Buffer.alloc(0))
  return {
    index: body.readInt32LE(4),
    name: readString(attributes.get(nl.IFLA_IFNAME)) ?? '',
    up: (body.readUInt32LE(8) & nl.IFF_UP) !== 0,
    master: attributes.get(nl.IFLA_MASTER)?.readUInt32LE(0),
    kind: readString(info.get(nl.IFLA_INFO_KIND)),
    mac: attributes
      .get(nl.IFLA_ADDRESS)
      ?.toString('hex')
      .replace(/..(?=.)/g, '$&:'),
    parent: attributes.get(nl.IFLA_LINK)?.readUInt32LE(0),
    mtu: attributes.get(nl.IFLA_MTU)?.readUInt32LE(0),
  }
}
