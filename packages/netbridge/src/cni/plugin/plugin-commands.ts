import { existsSync, fstatSync, openSync, closeSync, statSync } from 'node:fs'
import { AF_INET, NETLINK_ROUTE } from '@ctr/linux'
import { formatIpv4 } from '../../address/ipv4.js'
import { findLink } from '../../bridge.js'
import type { EndpointInfo } from '../../endpoint.js'
import { Netbridge } from '../../netbridge.js'
import { routeSocketIn } from '../../network-namespace.js'
import { getAddresses, readAddress } from '../../netlink/copied-address.js'
import { IFA_LOCAL } from '../../netlink/constants.js'
import { NetlinkSocket } from '../../netlink/netlink-socket.js'
import { exchangeRoute } from '../../netlink/route-request.js'
import { hasCode } from '../../state/files.js'
import { readResult, type CniResult } from '../result.js'
import {
  BROKEN,
  describeError,
  INVALID_ENVIRONMENT,
  PluginError,
  UNAVAILABLE,
  UNKNOWN_CONTAINER,
} from './plugin-error.js'
import { endpointId, endpointPrefix, type PluginNetwork } from './plugin-request.js'

/** Which container a plugin is run for. */
export interface PluginContainer {
  readonly containerId: string
  readonly ifname: string
  /** Empty when it is gone. */
  readonly netns: string
}

/** Attaches, and says what was made. */
export async function add(network: PluginNetwork, container: PluginContainer): Promise<CniResult> {
  const { containerId, ifname, netns } = container
  using namespace = openNamespace(netns)
  await using net = await Netbridge.open(network.open)
  const { ip, mac, names, publish, bandwidth } = network
  const id = endpointId(network.name, containerId, ifname)
  await net.provide({ ip })
  const endpoint = net.attach({ id, name: ifname, netnsFd: namespace.fd, ip, mac, names, publish, bandwidth })
  return resultOf(network, net, endpoint, netns)
}

/** Detaches: what is made whole, or by half. Nothing is made for that: after a reboot there is nothing to take away. */
export async function del(network: PluginNetwork, { containerId, ifname }: PluginContainer): Promise<void> {
  if (!existsSync(network.open.state ?? '')) return
  await using net = await Netbridge.open(network.open)
  const id = endpointId(network.name, containerId, ifname)
  const endpoint = net.endpoint(id)
  if (endpoint === undefined) net.cleanup((other) => other !== id)
  else endpoint.detach()
}

/** Takes away whatever belongs to attachments of this network that are not valid any more. */
export async function gc(network: PluginNetwork): Promise<void> {
  if (!existsSync(network.open.state ?? '')) return
  await using net = await Netbridge.open(network.open)
  const valid = new Set(
    network.valid.map(({ containerId, ifname }) => endpointId(network.name, containerId, ifname)),
  )
  const prefix = endpointPrefix(network.name)
  net.cleanup((id) => !id.startsWith(prefix) || valid.has(id))
}

/** Whether a container could be attached now. */
export async function status(network: PluginNetwork): Promise<void> {
  try {
    await using net = await Netbridge.open(network.open)
    const room = 2 ** (32 - Number(net.subnet.split('/')[1])) - 3 // the first, the last and the gateway are nobody's
    if (net.endpoints().length >= room)
      throw new PluginError(UNAVAILABLE, `no address of ${net.subnet} is free`)
  } catch (error) {
    const { msg, details } = describeError(error)
    throw new PluginError(UNAVAILABLE, msg, details)
  }
}

/** Whether what was made is still there: the endpoint, both ends of its link, its address. */
export async function check(network: PluginNetwork, container: PluginContainer): Promise<void> {
  using namespace = openNamespace(container.netns)
  await using net = await Netbridge.open(network.open)
  const { containerId, ifname } = container
  const broken = (what: string): never => {
    throw new PluginError(BROKEN, `${containerId} is not attached to ${network.name} as it was: ${what}`)
  }
  const endpoint = net.endpoint(endpointId(network.name, containerId, ifname))
  if (endpoint === undefined) return broken(`${net.bridge} has no endpoint of it`)
  const expected = `${endpoint.address}/${endpoint.prefixLength}`
  if (network.previous?.ips?.some(({ address }) => address === expected) === false) {
    return broken(`its address is ${expected}`)
  }
  using host = new NetlinkSocket(NETLINK_ROUTE)
  const outside = findLink(host, endpoint.ifname ?? '')
  if (outside?.up !== true) return broken(`${endpoint.ifname} is ${outside === undefined ? 'gone' : 'down'}`)
  if (outside.master !== findLink(host, net.bridge)?.index)
    return broken(`${endpoint.ifname} is not on ${net.bridge}`)
  using socket = routeSocketIn(namespace.fd)
  const inside = findLink(socket, ifname)
  if (inside?.up !== true) return broken(`${ifname} is ${inside === undefined ? 'gone' : 'down'}`)
  const addresses = exchangeRoute(socket, [getAddresses(AF_INET)])
    .map(readAddress)
    .filter(({ index }) => index === inside.index)
    .map(({ attributes }) => formatIpv4(attributes.get(IFA_LOCAL)?.readUInt32BE(0) ?? 0))
  if (!addresses.includes(endpoint.address)) broken(`${ifname} does not have ${expected}`)
}

/** What was made, after what plugins before it made. */
function resultOf(
  { cniVersion, previous, dns }: PluginNetwork,
  net: Netbridge,
  { address, prefixLength, gateway, mac, name, ifname }: EndpointInfo,
  sandbox: string,
): CniResult {
  const before = previous?.interfaces ?? []
  const interfaces = [...before, { name: net.bridge }, { name: ifname }, { name, mac, sandbox }]
  const result = readResult(
    {
      ...previous,
      interfaces,
      ips: [
        ...(previous?.ips ?? []),
        {
          address: `${address}/${prefixLength}`,
          gateway: gateway,
          interface: before.length + 2,
        },
      ],
      routes: [...(previous?.routes ?? []), { dst: '0.0.0.0/0', gw: gateway }],
      dns: previous?.dns ?? dns ?? {},
    },
    cniVersion,
  )
  if (typeof result === 'string') throw new Error(`the result is wrong: ${result}`)
  return result
}

/** Opens the container's network namespace, which must not be the one that the plugin is in. */
function openNamespace(path: string): { readonly fd: number } & Disposable {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new PluginError(UNKNOWN_CONTAINER, `there is no network namespace ${path}`)
  }
  const opened = { fd, [Symbol.dispose]: () => closeSync(fd) }
  if (fstatSync(fd).ino === statSync('/proc/thread-self/ns/net').ino) {
    opened[Symbol.dispose]()
    throw new PluginError(
      INVALID_ENVIRONMENT,
      `invalid CNI_NETNS: ${path} is the network namespace of the host`,
    )
  }
  return opened
}
