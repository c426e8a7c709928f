import type { NetworkDriver, NetworkOptions, OverlayOptions } from '@ctr/runtime'
import { ApiError, badRequest, outsideOfSwarm } from '../errors.js'
import type { NetworkBody } from '../http/schemas/network.js'

const drivers: readonly string[] = ['bridge', 'macvlan', 'ipvlan', 'overlay']

/** The network that `POST /networks/create` asks for. */
export function networkOptions(body: NetworkBody): NetworkOptions {
  const driver =
    body.Driver == null || body.Driver === '' || body.Driver === 'default' ? 'bridge' : body.Driver
  if (!drivers.includes(driver))
    throw new ApiError(404, `could not find plugin ${driver} in v1 plugin registry: plugin not found`)
  checkScope(body.Scope ?? '')
  const refused = { Ingress: body.Ingress, ConfigOnly: body.ConfigOnly, ConfigFrom: body.ConfigFrom?.Network }
  const given = Object.entries(refused).find(([, value]) => value)
  if (given !== undefined) throw badRequest(`invalid value of ${given[0]}: not supported`)
  if (body.EnableIPv4 === false) throw badRequest('invalid value of EnableIPv4: a network has IPv4')
  const ipam = body.IPAM?.Driver ?? ''
  if (!['', 'default'].includes(ipam))
    throw badRequest(`invalid value of IPAM.Driver: there is no driver ${JSON.stringify(ipam)}`)
  const [option] = Object.keys(body.IPAM?.Options ?? {})
  if (option !== undefined) throw badRequest(`invalid value of IPAM.Options: ${option} is not supported`)
  body.IPAM?.Config?.forEach(refuseLost)
  return {
    name: body.Name,
    driver: driver as NetworkDriver,
    subnets: (body.IPAM?.Config ?? []).flatMap(({ Subnet, Gateway, IPRange, AuxiliaryAddresses }) =>
      Subnet == null || Subnet === ''
        ? []
        : [
            {
              subnet: Subnet,
              gateway: orUnset(Gateway),
              range: orUnset(IPRange),
              aux: AuxiliaryAddresses ?? undefined,
            },
          ],
    ),
    ipv6: body.EnableIPv6 ?? undefined,
    internal: body.Internal ?? undefined,
    attachable: body.Attachable ?? undefined,
    labels: body.Labels ?? undefined,
    ...driverOptions(body.Options ?? {}),
  }
}

/** @throws `ApiError` 400; 503 for networks of a swarm. */
function checkScope(scope: string): void {
  if (scope === 'swarm') throw outsideOfSwarm()
  if (!['', 'local'].includes(scope))
    throw badRequest(`invalid value of Scope: there is no scope ${JSON.stringify(scope)}`)
}

type IpamConfig = NonNullable<NonNullable<NetworkBody['IPAM']>['Config']>[number]

/** What belongs to no subnet would be lost. */
function refuseLost({ Subnet, Gateway, IPRange, AuxiliaryAddresses }: IpamConfig, index: number): void {
  const others = [Gateway, IPRange, ...Object.values(AuxiliaryAddresses ?? {})]
  if (orUnset(Subnet) === undefined && others.some((value) => orUnset(value) !== undefined))
    throw badRequest(`invalid value of IPAM.Config.${index}: Subnet is missing`)
}

function driverOptions(options: Readonly<Record<string, string>>): Partial<NetworkOptions> {
  let found: Partial<NetworkOptions> = {}
  for (const [name, value] of Object.entries(options)) {
    const read = readers[name]
    if (read === undefined) throw badRequest(`invalid value of Options: ${name} is not supported`)
    const { overlay, ...rest } = read(value, name)
    found = { ...found, ...rest, ...(overlay && { overlay: { ...found.overlay, ...overlay } }) }
  }
  return found
}

const readers: Readonly<Record<string, (value: string, name: string) => Partial<NetworkOptions>>> = {
  'com.docker.network.bridge.name': (bridge) => ({ bridge }),
  'com.docker.network.bridge.enable_icc': (value, name) => ({ icc: flag(value, name) }),
  'com.docker.network.bridge.enable_ip_masquerade': (value, name) => ({ masquerade: flag(value, name) }),
  'com.docker.network.bridge.host_binding_ipv4': (hostIp) => ({ hostIp }),
  'com.docker.network.driver.mtu': (value) => ({ mtu: Number(value) }),
  store: (store) => ({ overlay: { store } }),
  local: (local) => overlayPart({ local }),
  vni: (vni) => overlayPart({ vni: Number(vni) }),
  vxlan_port: (port) => overlayPart({ port: Number(port) }),
  ttl: (seconds) => overlayPart({ ttlSeconds: Number(seconds) }),
  parent: (parent) => ({ parent }),
  macvlan_mode: (mode) => ({ mode: mode as NetworkOptions['mode'] }),
  ipvlan_mode: (mode) => ({ mode: mode as NetworkOptions['mode'] }),
}

/** A part of what an overlay network needs: the store comes with another option, and is missed when it does not. */
function overlayPart(part: Partial<OverlayOptions>): Partial<NetworkOptions> {
  return { overlay: part as OverlayOptions }
}

function flag(value: string, name: string): boolean {
  if (!/^(true|false|0|1)$/i.test(value))
    throw badRequest(`invalid value of Options: ${name} is true or false, not ${JSON.stringify(value)}`)
  return /^(true|1)$/i.test(value)
}

function orUnset(value: string | null | undefined): string | undefined {
  return value === null || value === '' ? undefined : value
}
