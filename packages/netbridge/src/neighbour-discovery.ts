import { AF_INET6 } from '@ctr/linux'
import { ipBytes, parseIp } from './address/ip.js'
import { IFA_MULTICAST, NLM_F_DUMP, RTM_GETMULTICAST } from './netlink/constants.js'
import { readAttributes } from './netlink/message-reader.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute, type RouteRequest } from './netlink/route-request.js'

/** How long the kernel is waited for, in milliseconds. Afterwards a first packet may take a second. */
const MOST_MS = 100
const PAUSE_MS = 0.2

/**
 * Waits until others can find an IPv6 address. The kernel joins the multicast group at which neighbours ask for it
 * (RFC 4291, solicited-node) in a work queue, a moment after the address was added, even when it does not have to look
 * for duplicates; a question that comes before is lost, and asked again only after a second.
 *
 * @param socket - Of the network namespace that has the address.
 */
export function untilFound(socket: NetlinkSocket, address: string): void {
  const group = solicitedNode(address)
  for (let waitedMs = 0; waitedMs < MOST_MS; waitedMs += PAUSE_MS) {
    const groups = exchangeRoute(socket, [getGroups()]).map(({ body }) =>
      readAttributes(body.subarray(8)).get(IFA_MULTICAST),
    )
    if (groups.some((bytes) => bytes !== undefined && group.equals(bytes))) return
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
  }
}

/** `ff02::1:ff` and the last three bytes of the address. */
export function solicitedNode(address: string): Buffer {
  return Buffer.concat([
    Buffer.from('ff0200000000000000000001ff', 'hex'),
    ipBytes(parseIp(address)!).subarray(13),
  ])
}

/** `ip -6 maddress show`. */
function getGroups(): RouteRequest {
  return {
    type: RTM_GETMULTICAST,
    flags: NLM_F_DUMP,
    action: 'list multicast groups',
    body: (writer) => {
      writer.u32(AF_INET6)
      writer.u32(0)
    },
  }
}
