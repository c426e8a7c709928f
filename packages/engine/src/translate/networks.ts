import { createHash } from 'node:crypto'
import type { ContainerNetwork, NetworkInfo, Runtime } from '@ctr/runtime'
import type { ManagedContainer } from '../containers/managed-container.js'

/** The networks that are always there; `bridge` is made when it is needed. */
export const networkNames = ['bridge', 'host', 'none'] as const

/** Id of a network, the same for ever. */
export function networkId(root: string, name: string): string {
  return createHash('sha256').update(`${root} ${name}`).digest('hex')
}

/** Ports of a container by their names in the container: `80/tcp`; null for those that are only exposed. */
export function portsOf({ document, handle }: ManagedContainer): Record<string, object[] | null> {
  const exposed = Object.keys(document.body.ExposedPorts ?? {}).map((port) => [port, null] as const)
  const ports: Record<string, object[] | null> = Object.fromEntries(exposed)
  const { network, status } = handle.inspect()
  if (status !== 'running') return {}
  for (const { hostIp, host, container, protocol } of network.ports)
    (ports[`${container}/${protocol}`] ??= []).push({ HostIp: hostIp, HostPort: String(host) })
  return ports
}

/** `NetworkSettings` of a container. */
export function networkSettings(container: ManagedContainer, runtime: Runtime): Record<string, unknown> {
  const { network, status } = container.handle.inspect()
  // one that uses the network of another container has none of its own
  const isOwn = network.mode !== 'container'
  const isUp = status === 'running' && isOwn
  const places =
    network.mode === 'bridge' ? network.networks : isOwn ? [{ ...nowhere, name: network.mode }] : []
  const endpoints = places.map((place) => [place.name, endpointOf(container, place, isUp, runtime)] as const)
  const first = network.mode === 'bridge' ? places.find(({ name }) => name === 'bridge') : undefined
  const ofBridge = endpointOf(
    container,
    first ?? { ...nowhere, name: 'bridge' },
    isUp && first !== undefined,
    runtime,
  )
  const { EndpointID, Gateway, IPAddress, IPPrefixLen, MacAddress } = ofBridge
  const { GlobalIPv6Address, GlobalIPv6PrefixLen, IPv6Gateway } = ofBridge
  return {
    Bridge: '',
    SandboxID: isUp ? networkId(container.id, 'sandbox') : '',
    SandboxKey: isUp ? `/proc/${container.handle.pid ?? 0}/ns/net` : '',
    Ports: portsOf(container),
    ...ofOld,
    ...{ EndpointID, Gateway, IPAddress, IPPrefixLen, MacAddress },
    ...{ GlobalIPv6Address, GlobalIPv6PrefixLen, IPv6Gateway },
    Networks: Object.fromEntries(endpoints),
  }
}

/** Members that are always empty, for clients that look at them. */
const ofOld = {
  HairpinMode: false,
  LinkLocalIPv6Address: '',
  LinkLocalIPv6PrefixLen: 0,
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
}

const nowhere = { aliases: [], wanted: {}, address: null, ipv6: null, mac: null }
type Place = Pick<
  ContainerNetwork,
  'name' | 'aliases' | 'links' | 'wanted' | 'gatewayPriority' | 'address' | 'ipv6' | 'mac'
>

/** As they were asked for. */
function linksOn({ links = {} }: Place): string[] | null {
  const texts = Object.entries(links).map(([alias, name]) => `${name}:${alias}`)
  return texts.length === 0 ? null : texts
}

/** A container's place on a network, as Docker shows it. */
function endpointOf(container: ManagedContainer, place: Place, isUp: boolean, runtime: Runtime) {
  const info = infoOf(runtime, place.name)
  const [v4, v6] = [false, true].map((six) =>
    info?.subnets.find(({ subnet }) => subnet.includes(':') === six),
  )
  const { ip, ip6, linkLocalIps = [], mac } = place.wanted
  const asked = container.document.body.NetworkingConfig?.EndpointsConfig?.[place.name]
  const [address, ipv6] = isUp ? [place.address, place.ipv6] : [null, null]
  return {
    IPAMConfig:
      ip === undefined && ip6 === undefined && linkLocalIps.length === 0
        ? (asked?.IPAMConfig ?? null)
        : {
            ...(ip !== undefined && { IPv4Address: ip }),
            ...(ip6 !== undefined && { IPv6Address: ip6 }),
            ...(linkLocalIps.length > 0 && { LinkLocalIPs: linkLocalIps }),
          },
    Links: linksOn(place),
    Aliases: place.aliases.length === 0 ? null : place.aliases,
    DriverOpts: asked?.DriverOpts ?? null,
    GwPriority: place.gatewayPriority ?? 0,
    NetworkID: idOf(runtime, place.name),
    EndpointID: isUp ? networkId(container.id, place.name) : '',
    Gateway: address === null ? '' : (v4?.gateway ?? ''),
    IPAddress: address ?? '',
    MacAddress: isUp ? (place.mac ?? '') : (mac ?? ''),
    IPPrefixLen: address === null ? 0 : lengthOf(v4?.subnet),
    IPv6Gateway: ipv6 === null ? '' : (v6?.gateway ?? ''),
    GlobalIPv6Address: ipv6 ?? '',
    GlobalIPv6PrefixLen: ipv6 === null ? 0 : lengthOf(v6?.subnet),
    DNSNames: isMade(place.name) ? [container.name, ...place.aliases, container.id.slice(0, 12)] : null,
  }
}

function lengthOf(subnet: string | undefined): number {
  return Number(subnet?.split('/')[1] ?? 0)
}

/** Whether somebody has made the network, and it is not one of those that are always there. */
export function isMade(name: string): boolean {
  return !(networkNames as readonly string[]).includes(name)
}

/** What a network is; undefined for those without addresses, and for `bridge` before it was needed. */
export function infoOf({ networks }: Runtime, name: string): NetworkInfo | undefined {
  return networks.list().find((network) => network.name === name)
}

/** Id of a network, or of one by that name that is no more. */
export function idOf(runtime: Runtime, name: string): string {
  return (isMade(name) ? infoOf(runtime, name)?.id : undefined) ?? networkId(runtime.root, name)
}

/** Docker's word for what connects a network. */
export function driverOf(name: string, info: NetworkInfo | undefined): string {
  return info?.driver ?? (name === 'none' ? 'null' : name)
}
