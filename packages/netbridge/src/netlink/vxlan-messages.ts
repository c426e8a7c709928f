import { linkHeader } from './link-messages.js'
import * as nl from './constants.js'
import type { RouteRequest } from './route-request.js'

/** A link that carries frames of a network to other hosts in UDP packets. */
export interface VxlanOptions {
  readonly name: string
  /** Number of the network, 24 bits. */
  readonly vni: number
  /** The IPv4 address of this host that packets come from. */
  readonly local: Uint8Array
  /** UDP port, on all hosts the same. */
  readonly port: number
  readonly mtu: number
  /** Index of the bridge that it is a port of. */
  readonly bridge: number
}

/** `ip link add NAME mtu MTU master BRIDGE type vxlan id VNI local ADDRESS dstport PORT nolearning`. */
export function newVxlan({ name, vni, local, port, mtu, bridge }: VxlanOptions): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `create vxlan ${name} with number ${vni} on port ${port}`,
    body: (writer) => {
      linkHeader(writer, 0, 0, 0)
      writer.attributeString(nl.IFLA_IFNAME, name)
      writer.attributeU32(nl.IFLA_MTU, mtu)
      writer.attributeU32(nl.IFLA_MASTER, bridge)
      writer.nested(nl.IFLA_LINKINFO, () => {
        writer.attributeString(nl.IFLA_INFO_KIND, 'vxlan')
        writer.nested(nl.IFLA_INFO_DATA, () => {
          writer.attributeU32(nl.IFLA_VXLAN_ID, vni)
          writer.attribute(nl.IFLA_VXLAN_LOCAL, local)
          writer.attributeU8(nl.IFLA_VXLAN_LEARNING, 0)
          writer.attribute(nl.IFLA_VXLAN_PORT, Uint8Array.of(port >> 8, port))
        })
      })
    },
  }
}
