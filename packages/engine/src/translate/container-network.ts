import type { CreateContainerOptions, NetworkAttachment, NetworkOption } from '@ctr/runtime'
import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'
import type { EndpointConfig } from '../http/schemas/network.js'
import { linkOf, namesByLinks, type Link } from './parse-links.js'

const alone = ['host', 'none']

/** The networks of a container: the one of `NetworkMode` first, then the others of `EndpointsConfig`. */
export function networkOption(body: CreateBody): NetworkOption {
  const { HostConfig, NetworkingConfig, MacAddress, NetworkDisabled } = body
  if (NetworkDisabled === true) return 'none'
  const mode = HostConfig?.NetworkMode ?? ''
  const first = mode === '' || mode === 'default' ? 'bridge' : mode
  const endpoints = NetworkingConfig?.EndpointsConfig ?? {}
  const names = [first, ...Object.keys(endpoints).filter((name) => name !== first && name !== 'default')]
  if (alone.includes(first) || first.startsWith('container:')) {
    const own = attachment(first, endpoints[first] ?? endpoints['default'])
    refusePlaces(names, { ...own, mac: own.mac ?? orUnset(MacAddress) })
    return first
  }
  const [main, ...others] = names.map((name) =>
    attachment(name, endpoints[name] ?? (name === 'bridge' ? endpoints['default'] : null)),
  )
  // said of the container, as older clients do, it is of its first network
  const links = { ...linksOf(namesByLinks(body)), ...main!.links }
  return [{ ...main!, links, mac: main!.mac ?? orUnset(MacAddress) }, ...others]
}

/** A network that is no other's has no addresses, names or other networks beside it. */
function refusePlaces([first, other]: readonly string[], { name: _, ...place }: NetworkAttachment): void {
  if (other !== undefined) throw badRequest(`cannot use network ${first!} together with ${other}`)
  if (Object.values(place).some(isGiven))
    throw badRequest(
      `cannot use addresses or names on network ${first!}: they are supported on user defined networks only`,
    )
}

function isGiven(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return value !== undefined && value !== 0
}

/** How a container is to be on a network. */
export function attachment(name: string, config: EndpointConfig | null | undefined): NetworkAttachment {
  return {
    name,
    aliases: config?.Aliases ?? [],
    ip: orUnset(config?.IPAMConfig?.IPv4Address),
    ip6: orUnset(config?.IPAMConfig?.IPv6Address),
    linkLocalIps: config?.IPAMConfig?.LinkLocalIPs ?? undefined,
    mac: orUnset(config?.MacAddress),
    links: endpointLinks(config),
    interface: interfaceName(config),
    gatewayPriority: config?.GwPriority ?? undefined,
  }
}

const interfaceOption = 'com.docker.network.endpoint.ifname'

function interfaceName(config: EndpointConfig | null | undefined): string | undefined {
  const options = config?.DriverOpts ?? {}
  const unknown = Object.keys(options).find((option) => option !== interfaceOption)
  if (unknown !== undefined) throw badRequest(`invalid value of DriverOpts: ${unknown} is not supported`)
  const name = orUnset(options[interfaceOption])
  if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name))
    throw badRequest(`invalid value of DriverOpts: ${interfaceOption} is ${JSON.stringify(name)}`)
  return name
}

/** Names of its own for others of the network, who may come later. */
function endpointLinks(config: EndpointConfig | null | undefined): NetworkAttachment['links'] {
  return config?.Links == null ? undefined : linksOf(config.Links.map(linkOf))
}

function linksOf(links: readonly Link[]): NetworkAttachment['links'] {
  return Object.fromEntries(links.map(({ name, alias }) => [alias, name]))
}

/** How it finds names. */
export function namesOf({ HostConfig }: CreateBody): Pick<CreateContainerOptions, 'dns' | 'extraHosts'> {
  const { Dns, DnsSearch, DnsOptions, ExtraHosts } = HostConfig ?? {}
  const [nameservers, search, options] = [Dns, DnsSearch, DnsOptions].map((list) =>
    list == null || list.length === 0 ? undefined : list,
  )
  const extraHosts = new Map<string, string[]>()
  for (const line of ExtraHosts ?? []) {
    const [, name, address] = /^([^:=]+)[:=](.+)$/.exec(line) ?? []
    if (name === undefined || address === undefined)
      throw badRequest(`invalid value of HostConfig.ExtraHosts: ${JSON.stringify(line)} is not NAME:ADDRESS`)
    extraHosts.set(name, [...(extraHosts.get(name) ?? []), address])
  }
  const isSet = nameservers !== undefined || search !== undefined || options !== undefined
  return {
    dns: isSet ? { nameservers, search, options } : undefined,
    extraHosts: extraHosts.size === 0 ? undefined : Object.fromEntries(extraHosts),
  }
}

function orUnset(value: string | null | undefined): string | undefined {
  return value === null || value === '' ? undefined : value
}
