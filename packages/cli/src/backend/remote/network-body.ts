import type { NetworkOptions } from '@ctr/runtime'
import { set } from './set.js'

/** The body of `POST /networks/create`. */
export function networkBody(options: NetworkOptions): Record<string, unknown> {
  const { name, driver = 'bridge', subnets = [], ipv6, internal, attachable, labels } = options
  return set({
    Name: name,
    Driver: driver,
    EnableIPv6: ipv6,
    Internal: internal,
    Attachable: attachable,
    Labels: labels,
    Options: driverOptions(options),
    IPAM:
      subnets.length === 0
        ? undefined
        : {
            Driver: 'default',
            Config: subnets.map(({ subnet, gateway, range, aux = {} }) =>
              set({
                Subnet: subnet,
                Gateway: gateway,
                IPRange: range,
                AuxiliaryAddresses: Object.keys(aux).length === 0 ? undefined : aux,
              }),
            ),
          },
  })
}

/** In Docker's words. */
function driverOptions(options: NetworkOptions): Record<string, string> {
  const { driver, mtu, bridge, parent, mode, icc, masquerade, overlay } = options
  const words = set({
    'com.docker.network.driver.mtu': mtu,
    'com.docker.network.bridge.name': bridge,
    'com.docker.network.bridge.enable_icc': icc,
    'com.docker.network.bridge.enable_ip_masquerade': masquerade,
    parent,
    [`${driver ?? 'bridge'}_mode`]: mode,
    ...{ store: overlay?.store, local: overlay?.local, vni: overlay?.vni },
    ...{ vxlan_port: overlay?.port, ttl: overlay?.ttlSeconds },
  })
  return Object.fromEntries(Object.entries(words).map(([name, value]) => [name, String(value)]))
}
