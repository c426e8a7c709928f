import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { AF_INET } from '@ctr/linux'
import { formatIp, ipBytes, ipOf, parseIp } from '../address/ip.js'
import { findLink, unless } from '../bridge.js'
import { NetbridgeError } from '../errors.js'
import type { OverlayInfo } from '../network-info.js'
import { IFA_LOCAL } from '../netlink/constants.js'
import { getAddresses, readAddress } from '../netlink/copied-address.js'
import { getLinkAt, readLink, setBridgePort, setLinkUp } from '../netlink/link-messages.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import { exchangeRoute } from '../netlink/route-request.js'
import { newVxlan } from '../netlink/vxlan-messages.js'
import type { BridgeRecord } from '../state/network-record.js'

/** Bytes of outer Ethernet, IPv4, UDP and VXLAN headers. */
const OVERHEAD = 50

/** Name of the VXLAN link of a network: of the same length as that of its bridge. */
export function vxlanName(networkId: string): string {
  return `vx-${networkId.slice(0, 12)}`
}

/**
 * Makes the VXLAN link of a network as a port of its bridge, or completes the one that is there.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_EXISTS`: another link of the host has that number and port.
 */
export function ensureVxlan(
  socket: NetlinkSocket,
  { info, mtu }: BridgeRecord,
  { vni, local, port }: OverlayInfo,
  bridge: number,
): void {
  const name = vxlanName(info.id)
  if (findLink(socket, name) === undefined) {
    const request = newVxlan({ name, vni, port, bridge, local: ipBytes(parseIp(local)!), mtu: mtu! })
    if (!unless(socket, 'EEXIST', request) && findLink(socket, name) === undefined) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_EXISTS',
        `cannot make network ${info.name}: another VXLAN link of this host has number ${vni} on port ${port}`,
      )
    }
  }
  const { index, up } = findLink(socket, name)!
  // the bridge is told who is beyond; it does not ask there for whom it knows, nor for its own address
  const behaviour = setBridgePort(name, { learning: false, neighSuppress: true, isolated: !info.icc })
  exchangeRoute(socket, [behaviour, ...(up ? [] : [setLinkUp(index, name)])])
}

/**
 * The largest packet that a network can have whose packets leave by an address of this host.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: it is no address of this host.
 */
export function largestPacket(socket: NetlinkSocket, local: string): number {
  const found = exchangeRoute(socket, [getAddresses(AF_INET)])
    .map(readAddress)
    .find(({ attributes }) => {
      const bytes = attributes.get(IFA_LOCAL)
      return bytes !== undefined && formatIp(ipOf(bytes)) === local
    })
  if (found === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      `cannot use ${local} as the address of this host in the network: no link of the host has it`,
    )
  }
  const [link] = exchangeRoute(socket, [getLinkAt(found.index)]).map(readLink)
  return Math.min((link?.mtu ?? 1500) - OVERHEAD, 65_535)
}

/**
 * The address that packets of this host to another one come from, by its routes. Nothing is sent.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: there is no way there, or it is this host itself.
 */
export async function addressTowards(host: string): Promise<string> {
  const socket = createSocket('udp4')
  try {
    socket.connect(9, host)
    await once(socket, 'connect')
    const { address } = socket.address()
    if (!address.startsWith('127.')) return address
    throw new Error(`${host} is this host itself`)
  } catch (error) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      `cannot choose the address of this host in the network (${String(error)}): name it with \`local\``,
      { cause: error },
    )
  } finally {
    socket.close()
  }
}
