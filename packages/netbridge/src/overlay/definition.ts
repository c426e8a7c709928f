import { parseIp, parseIpSubnet } from '../address/ip.js'
import { NetbridgeError } from '../errors.js'
import type { NetworkInfo, SubnetInfo } from '../network-info.js'
import { checkId, checkInteger, checkMac, isHostName } from '../validate.js'

/** Endpoints of one host that others take notice of: a bridge of Linux has 1024 ports. */
const MOST_ENDPOINTS = 1024
/** Hosts of one network that others take notice of. */
const MOST_HOSTS = 1024

/** What an overlay network is on all its hosts. */
export type OverlayDefinition = Pick<NetworkInfo, 'id' | 'internal' | 'icc' | 'masquerade'> & {
  readonly mtu: number
  readonly vni: number
  readonly port: number
  readonly subnets: readonly Required<SubnetInfo>[]
}

/** A container on some host, as the others know it. */
export interface RemoteEndpoint {
  readonly id: string
  readonly names: readonly string[]
  readonly address: string
  readonly ipv6: string | null
  readonly mac: string
}

/** A host of an overlay network, as the others know it. */
export interface OverlayPeer {
  /** Its name among the hosts. */
  readonly host: string
  /** Its IPv4 address, which packets are sent to. */
  readonly address: string
  readonly endpoints: readonly RemoteEndpoint[]
}

/** Where a network has its keys. */
export function keysOf(name: string): {
  readonly all: string
  readonly definition: string
  readonly hosts: string
  readonly blocks: string
} {
  const all = `networks/${name}/`
  return { all, definition: `${all}definition`, hosts: `${all}hosts/`, blocks: `${all}blocks/` }
}

/** Where it is said which network has a number. */
export function numberKey(vni: number): string {
  return `numbers/${vni}`
}

/**
 * Reads a definition that somebody has written.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STORE`: it makes no sense.
 */
export function parseDefinition(name: string, text: string): OverlayDefinition {
  try {
    const found = JSON.parse(text) as OverlayDefinition
    const { id, internal, icc, masquerade, mtu, vni, port } = found
    const subnets: readonly Required<SubnetInfo>[] = found.subnets
    if (!/^[0-9a-f]{64}$/.test(id)) throw new TypeError('its id')
    if (![internal, icc, masquerade].every((flag) => typeof flag === 'boolean'))
      throw new TypeError('its flags')
    checkInteger('mtu', mtu, 576, 65_535)
    checkInteger('vni', vni, 1, 2 ** 24 - 1)
    checkInteger('port', port, 1, 65_535)
    if (subnets.some(({ subnet }) => parseIpSubnet(subnet) === undefined)) throw new TypeError('its subnets')
    return { id, internal, icc, masquerade, mtu, vni, port, subnets }
  } catch (error) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_STORE',
      `cannot use network ${name} of the store: its definition makes no sense (${String(error)})`,
      { cause: error },
    )
  }
}

/** The hosts that are there, without what makes no sense. */
export function parsePeers(name: string, entries: ReadonlyMap<string, string>): OverlayPeer[] {
  const { hosts } = keysOf(name)
  return [...entries]
    .filter(([key]) => key.startsWith(hosts))
    .slice(0, MOST_HOSTS)
    .flatMap(([key, text]) => parsePeer(key.slice(hosts.length), text) ?? [])
}

function parsePeer(host: string, text: string): OverlayPeer | undefined {
  try {
    const { address, endpoints } = JSON.parse(text) as Omit<OverlayPeer, 'host'>
    if (!/^[0-9a-f]{16}$/.test(host) || parseIp(address)?.family !== 4) return undefined
    return { host, address, endpoints: endpoints.slice(0, MOST_ENDPOINTS).filter(isEndpoint) }
  } catch {
    return undefined
  }
}

function isEndpoint({ id, names, address, ipv6, mac }: RemoteEndpoint): boolean {
  checkId(id)
  checkMac(mac)
  return (
    names.length <= 64 &&
    names.every((name) => isHostName(name)) &&
    parseIp(address)?.family === 4 &&
    (ipv6 === null || parseIp(ipv6)?.family === 6)
  )
}
