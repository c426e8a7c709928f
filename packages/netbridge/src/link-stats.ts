import { readFileSync } from 'node:fs'
import { isNetbridgeError, NetbridgeError } from './errors.js'
import { IFLA_STATS64 } from './netlink/constants.js'
import { getLinkStats } from './netlink/link-messages.js'
import { readAttributes } from './netlink/message-reader.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'
import { hasCode, stateError } from './state/files.js'

/** What an interface has received (`rx`) and sent (`tx`) since it was made, as its container sees it. */
export interface LinkStats {
  readonly rxBytes: number
  readonly rxPackets: number
  readonly rxErrors: number
  /** Packets that were thrown away, for want of room or because nobody wanted them. */
  readonly rxDropped: number
  readonly txBytes: number
  readonly txPackets: number
  readonly txErrors: number
  readonly txDropped: number
}

/** Figures of an endpoint, counted at the host's end of its veth pair: what that sends the container receives. */
export function endpointStats(
  socket: NetlinkSocket,
  { id, ifname }: { readonly id: string; readonly ifname: string | null },
): LinkStats {
  if (ifname === null) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      `cannot read the figures of ${id} from the host: its link has no end there; use interfaceStats()`,
    )
  }
  try {
    const [message] = exchangeRoute(socket, [getLinkStats(ifname)])
    return seenFromThePeer(readAttributes(message!.body.subarray(16)).get(IFLA_STATS64)!)
  } catch (error) {
    if (!isNetbridgeError(error) || error.errnoCode !== 'ENODEV') throw error
    throw new NetbridgeError(
      'ERR_NETBRIDGE_NOT_FOUND',
      `cannot read the figures of ${id}: it is not attached`,
      {
        cause: error,
      },
    )
  }
}

/** The beginning of `struct rtnl_link_stats64`, received and sent changed for each other. */
function seenFromThePeer(bytes: Buffer): LinkStats {
  const [txPackets, rxPackets, txBytes, rxBytes, txErrors, rxErrors, txDropped, rxDropped] = Array.from(
    { length: 8 },
    (_, at) => Number(bytes.readBigUInt64LE(8 * at)),
  )
  return {
    ...{ rxBytes: rxBytes!, rxPackets: rxPackets!, rxErrors: rxErrors!, rxDropped: rxDropped! },
    ...{ txBytes: txBytes!, txPackets: txPackets!, txErrors: txErrors!, txDropped: txDropped! },
  }
}

/**
 * Figures of the interfaces of a process' network namespace, by name, without `lo` (`ip -s link`, from
 * `/proc/PID/net/dev`). Needs no privilege over the namespace, but the names are what its owner gave them.
 *
 * @returns Undefined when there is no such process.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PERMISSION`: the process is somebody else's.
 * @see {@link https://man7.org/linux/man-pages/man5/proc_pid_net.5.html}
 */
export function interfaceStats(pid: number): Readonly<Record<string, LinkStats>> | undefined {
  const path = `/proc/${pid}/net/dev`
  try {
    return parseNetDev(readFileSync(path, 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EINVAL')) return undefined // it has just ended
    throw stateError(`read ${path}`, error)
  }
}

/** Reads the text of `/proc/PID/net/dev`. */
export function parseNetDev(text: string): Readonly<Record<string, LinkStats>> {
  const links = text.split('\n').flatMap((line): [string, LinkStats][] => {
    // a name may have colons in it, but no blanks
    const [, name, figures] = /^\s*(\S+):\s*([\d\s]+)$/.exec(line) ?? []
    if (name === undefined || figures === undefined || name === 'lo') return []
    const [rxBytes, rxPackets, rxErrors, rxDropped, , , , , txBytes, txPackets, txErrors, txDropped] = figures
      .trim()
      .split(/\s+/)
      .map(Number)
    if (txDropped === undefined) return []
    return [
      [
        name,
        {
          ...{ rxBytes: rxBytes!, rxPackets: rxPackets!, rxErrors: rxErrors!, rxDropped: rxDropped! },
          ...{ txBytes: txBytes!, txPackets: txPackets!, txErrors: txErrors!, txDropped },
        },
      ],
    ]
  })
  return Object.fromEntries(links)
}
