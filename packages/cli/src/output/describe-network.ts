import type { InspectedNetwork } from '@ctr/runtime'

/** A network as Docker's `network inspect` has it: same members where there is the same thing. */
export function describeNetwork(network: InspectedNetwork): unknown {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt,
    Scope: network.driver === 'overlay' ? 'global' : 'local',
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: network.subnets.length > 1,
    IPAM: {
      Driver: 'default',
      Options: {},
      Config: network.subnets.map(({ subnet, gateway, range, aux }) => ({
        Subnet: subnet,
        ...(range === subnet ? {} : { IPRange: range }),
        Gateway: gateway,
        ...(Object.keys(aux).length === 0 ? {} : { AuxiliaryAddresses: aux }),
      })),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    Containers: Object.fromEntries(
      network.containers.map(({ id, names, address, prefixLength, ipv6, mac }) => [
        id,
        {
          Name: names[0] ?? id.slice(0, 12),
          MacAddress: mac,
          IPv4Address: `${address}/${prefixLength}`,
          IPv6Address: ipv6 === null ? '' : `${ipv6.address}/${ipv6.prefixLength}`,
        },
      ]),
    ),
    Options: driverOptions(network),
    Labels: network.labels,
    ...(network.warnings.length === 0 ? {} : { Warnings: network.warnings }),
  }
}

function driverOptions(network: InspectedNetwork): Record<string, string> {
  const { driver, bridge, icc, masquerade, mtu, parent, mode, overlay } = network
  return {
    ...(bridge === undefined
      ? {}
      : {
          'com.docker.network.bridge.name': bridge,
          'com.docker.network.bridge.enable_icc': String(icc),
          'com.docker.network.bridge.enable_ip_masquerade': String(masquerade),
        }),
    ...(mtu === undefined ? {} : { 'com.docker.network.driver.mtu': String(mtu) }),
    ...(overlay === undefined
      ? {}
      : {
          store: overlay.store,
          local: overlay.local,
          vni: String(overlay.vni),
          vxlan_port: String(overlay.port),
          ttl: String(overlay.ttlSeconds),
        }),
    ...(parent === undefined ? {} : { parent }),
    ...(mode === undefined ? {} : { [`${driver}_mode`]: mode }),
  }
}
