import type { EngineCore } from '../core.js'
import { networkId, networkSettings, type NetworkName } from './networks.js'

/** A network as `GET /networks/{id}` shows it. */
export function networkDocument(
  engine: EngineCore,
  name: NetworkName,
  detailed: boolean,
): Record<string, unknown> {
  const { root } = engine.runtime
  return {
    Name: name,
    Id: networkId(root, name),
    Created: engine.startedAt,
    Scope: 'local',
    Driver: name === 'none' ? 'null' : name,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: detailed ? containersOn(engine, name) : {},
    Options: {},
    Labels: {},
  }
}

function containersOn({ containers, runtime }: EngineCore, name: NetworkName): Record<string, object> {
  const on = containers.all().filter((one) => one.isRunning && one.handle.inspect().network.mode === name)
  return Object.fromEntries(
    on.map((container) => {
      const { EndpointID, IPAddress, IPPrefixLen } = networkSettings(container, runtime.root)
      const IPv4Address = IPAddress === '' ? '' : `${String(IPAddress)}/${String(IPPrefixLen)}`
      return [
        container.id,
        { Name: container.name, EndpointID, MacAddress: '', IPv4Address, IPv6Address: '' },
      ]
    }),
  )
}
