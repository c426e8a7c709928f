import { NETLINK_NETFILTER } from '@ctr/linux'
import { parseIpv4, type Subnet } from '../address/ipv4.js'
import { isNetbridgeError } from '../errors.js'
import { insideNetwork } from '../network-namespace.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import { addNameRedirect } from '../nft/name-redirect.js'
import { NftTransaction } from '../nft/transaction.js'
import type { Network } from '../network.js'
import { checkForward } from '../validate.js'
import { withLinks } from './with-links.js'
import type { DnsOptions, DnsServer } from './dns-server.js'
import { openDnsSockets, type DnsSockets } from './sockets.js'

/** Where a container finds its server of names, as programs made for Docker expect it. */
export const CONTAINER_DNS = '127.0.0.11'

const TABLE = 'ctr_names'
const address = parseIpv4(CONTAINER_DNS)!
const loopback: Subnet = { base: parseIpv4('127.0.0.0')!, prefixLength: 8 }

/** How names are served to one container. */
export interface ContainerDnsOptions extends Pick<DnsOptions, 'forward'> {
  /** The networks that it is on now, whose names it may know; asked for each question. */
  readonly networks: () => readonly (Network | NamesOnNetwork)[]
}

/** A network, with names that this container alone has for others of it. */
export interface NamesOnNetwork {
  readonly network: Network
  /** Names of the network by the container's own ones. Those who have them may come and go. */
  readonly links?: Readonly<Record<string, string>> | undefined
}

/**
 * Serves names inside a network namespace, at 127.0.0.11 port 53, from sockets of this process: no firewall of the
 * host is in the way, and whoever is on several networks finds the names of all. Port 53 stays free for a server of
 * the container's own: the sockets have another port, which a rule in there leads to. Names of no endpoint are
 * asked of others from where this process is.
 *
 * It ends with `close()` or with this process; another one may then serve the same namespace.
 *
 * @param netnsFd - Descriptor of the namespace, with `lo` up; stays the caller's.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PERMISSION`, `ERR_NETBRIDGE_UNSUPPORTED`, `ERR_NETBRIDGE_KERNEL`: the
 *   namespace cannot be entered, or the kernel lacks nf_tables with NAT.
 *
 * @example
 * const web = net.attach({ id: 'web', netnsFd: netns.fd })
 * await using dns = await serveContainerDns(netns.fd, { networks: () => [net] })
 * writeFileSync(`${root}/etc/resolv.conf`, resolvConf({ nameservers: [CONTAINER_DNS] }))
 */
export async function serveContainerDns(
  netnsFd: number,
  { networks, forward }: ContainerDnsOptions,
): Promise<DnsServer> {
  checkForward(forward)
  const { DnsServer } = await import('./dns-server.js') // with what a program without names does not need
  const place = {
    address,
    askers: loopback,
    tables: () =>
      networks().map((each) => {
        if (!('network' in each)) return each.names()
        const { network, links = {} } = each
        return Object.keys(links).length === 0 ? network.names() : withLinks(network.names(), links)
      }),
    open: () => openInside(netnsFd),
  }
  return DnsServer.start(place, { forward })
}

function openInside(netnsFd: number): DnsSockets {
  using netfilter = insideNetwork(netnsFd, () => new NetlinkSocket(NETLINK_NETFILTER))
  const sockets = insideNetwork(netnsFd, () => openDnsSockets(address, 0))
  try {
    redirect(netfilter, sockets.port)
  } catch (error) {
    sockets[Symbol.dispose]()
    throw error
  }
  return { ...sockets, port: 53 } // where the container finds it
}

/** Somebody who served it before has left the rule behind: his port is nobody's now. */
function redirect(netfilter: NetlinkSocket, port: number): void {
  const rule = (transaction: NftTransaction): NftTransaction => addNameRedirect(transaction, address, port)
  try {
    rule(new NftTransaction(TABLE)).commit(netfilter)
  } catch (error) {
    if (!isNetbridgeError(error) || error.errnoCode !== 'EEXIST') throw error
    rule(new NftTransaction(TABLE).deleteTable()).commit(netfilter)
  }
}
