import type { NetworkInfo } from '@ctr/runtime'
import type { EngineCore } from '../core.js'
import { driverOf, idOf, infoOf, isMade, networkId } from './networks.js'

/** A network as `GET /networks/{id}` shows it. */
export function networkDocument(
  engine: EngineCore,
  name: string,
  { detailed }: { readonly detailed: boolean },
): Record<string, unknown> {
  const { runtime } = engine
  const info = infoOf(runtime, name)
  return {
    Name: name,
    Id: idOf(runtime, name),
    Created: info?.createdAt ?? engine.startedAt,
    Scope: info?.driver === 'overlay' ? 'global' : 'local',
    Driver: driverOf(name, info),
    EnableIPv4: true,
    EnableIPv6: info?.subnets.some(({ subnet }) => subnet.includes(':')) ?? false,
    IPAM: { Driver: 'default', Options: null, Config: info?.subnets.map(configOf) ?? [] },
    Internal: info?.internal ?? false,
    Attachable: isMade(name) ? (info?.attachable ?? false) : false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: detailed ? containersOn(engine, name, info) : {},
    Options: info === undefined ? {} : optionsOf(info),
    Labels: info?.labels ?? {},
  }
}

function configOf({ subnet, gateway, range, aux }: NetworkInfo['subnets'][number]): Record<string, unknown> {
  return {
    Subnet: subnet,
    ...(range === subnet ? {} : { IPRange: range }),
    Gateway: gateway,
    ...(Object.keys(aux).length === 0 ? {} : { AuxiliaryAddresses: aux }),
  }
}

function optionsOf({
  bridge,
  icc,
  masquerade,
  hostIp,
  mtu,
  parent,
  mode,
  driver,
  overlay,
}: NetworkInfo): Record<string, string> {
  const stacked =
    parent === undefined ? {} : { parent, ...(mode === undefined ? {} : { [`${driver}_mode`]: mode }) }
  return {
    ...(overlay === undefined
      ? {}
      : {
          store: overlay.store,
          local: overlay.local,
          vni: String(overlay.vni),
          vxlan_port: String(overlay.port),
        }),
    ...(bridge === undefined ? {} : { 'com.docker.network.bridge.name': bridge }),
    ...(icc ? {} : { 'com.docker.network.bridge.enable_icc': 'false' }),
    ...(masquerade ? {} : { 'com.docker.network.bridge.enable_ip_masquerade': 'false' }),
    ...(hostIp === undefined ? {} : { 'com.docker.network.bridge.host_binding_ipv4': hostIp }),
    ...(mtu === undefined ? {} : { 'com.docker.network.driver.mtu': String(mtu) }),
    ...stacked,
  }
}

function containersOn(
  { containers, runtime }: EngineCore,
  name: string,
  info: NetworkInfo | undefined,
): Record<string, object> {
  const nameOf = (id: string): string =>
    containers.all().find((one) => one.id === id)?.name ?? id.slice(0, 12)
  if (info === undefined) {
    const on = containers.all().filter((one) => one.isRunning && one.handle.inspect().network.mode === name)
    return Object.fromEntries(
      on.map(({ id }) => [id, { ...nowhere, Name: nameOf(id), EndpointID: networkId(id, name) }]),
    )
  }
  return Object.fromEntries(
    runtime.networks.inspect(name).containers.map(({ id, address, prefixLength, ipv6, mac }) => [
      id,
      {
        Name: nameOf(id),
        EndpointID: networkId(id, name),
        MacAddress: mac,
        IPv4Address: `${address}/${prefixLength}`,
        IPv6Address: ipv6 === null ? '' : `${ipv6.address}/${ipv6.prefixLength}`,
      },
    ]),
  )
}

const nowhere = { MacAddress: '', IPv4Address: '', IPv6Address: '' }
