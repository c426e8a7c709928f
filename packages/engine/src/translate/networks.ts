import { createHash } from 'node:crypto'
import type { ManagedContainer } from '../containers/managed-container.js'

/** The networks that are always there. */
export const networkNames = ['bridge', 'host', 'none'] as const
export type NetworkName = (typeof networkNames)[number]

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
export function networkSettings(container: ManagedContainer, root: string): Record<string, unknown> {
  const { network, status } = container.handle.inspect()
  const isUp = status === 'running'
  const [IPAddress = '', length = '16'] = isUp ? (network.address ?? '').split('/') : []
  const endpoint = {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: networkId(root, network.mode),
    EndpointID: isUp ? networkId(container.id, network.mode) : '',
    Gateway: IPAddress === '' ? '' : gatewayOf(IPAddress),
    IPAddress,
    MacAddress: '',
    IPPrefixLen: IPAddress === '' ? 0 : Number(length),
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  }
  const { Gateway, IPPrefixLen, EndpointID } = endpoint
  return {
    Bridge: '',
    SandboxID: isUp ? networkId(container.id, 'sandbox') : '',
    SandboxKey: isUp ? `/proc/${container.handle.pid ?? 0}/ns/net` : '',
    Ports: portsOf(container),
    EndpointID: network.mode === 'bridge' ? EndpointID : '',
    Gateway,
    IPAddress,
    IPPrefixLen,
    MacAddress: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPv6Gateway: '',
    Networks: { [network.mode]: endpoint },
  }
}

/** The first address of the bridge's subnet, which the runtime makes with a length of 16. */
function gatewayOf(address: string): string {
  const [a = '0', b = '0'] = address.split('.')
  return `${a}.${b}.0.1`
}
