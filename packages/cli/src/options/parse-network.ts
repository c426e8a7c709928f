import { BlockList, isIPv6 } from 'node:net'
import type {
  NetworkAttachment,
  NetworkOption,
  NetworkOptions,
  OverlayOptions,
  SubnetOptions,
} from '@ctr/runtime'
import { needsDaemon, usageError } from '../errors.js'
import { parseInteger } from './parse-number.js'
import { parsePairs } from './parse-pairs.js'
import { parseRate } from './parse-rate.js'

/** The flags that say how a container is on its networks, as they were typed. */
export interface AttachFlags {
  readonly network?: readonly string[]
  readonly networkAlias?: readonly string[]
  readonly ip?: string
  readonly ip6?: string
  readonly linkLocalIp?: readonly string[]
  readonly macAddress?: string
}

/**
 * Reads `--network NAME[,alias=NAME][,ip=ADDRESS][,ip6=ADDRESS][,mac-address=MAC][,link-local-ip=ADDRESS]
 * [,gw-priority=NUMBER][,ingress-rate=RATE][,egress-rate=RATE]`, also `name=NAME,...`, and the flags beside it, which are for the first network.
 */
export function parseNetworks({
  network = [],
  networkAlias,
  ...first
}: AttachFlags): NetworkOption | undefined {
  const { ip, ip6, macAddress: mac, linkLocalIp } = first
  const own = { aliases: networkAlias, ip, ip6, mac, linkLocalIps: linkLocalIp }
  const hasOwn = Object.values(own).some((value) => value !== undefined)
  if (network.length === 0 && !hasOwn) return undefined // the best that the caller may have
  const all = (network.length === 0 ? ['bridge'] : network).map(parseAttachment)
  const [head, ...rest] = all
  const { aliases = [], linkLocalIps = [], ...addresses } = head!
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  const lists = {
    aliases: [...aliases, ...(networkAlias ?? [])],
    linkLocalIps: [...linkLocalIps, ...(linkLocalIp ?? [])],
  }
  const filled = Object.entries(lists).filter(([, list]) => list.length > 0)
  const { aliases: _, linkLocalIps: __, ...single } = given as Partial<NetworkAttachment>
  return [{ ...addresses, ...single, ...Object.fromEntries(filled) }, ...rest]
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

function parseAttachment(text: string): NetworkAttachment {
  if (!text.includes('=')) return { name: text }
  const attachment: Mutable<Omit<NetworkAttachment, 'aliases'>> & { aliases: string[] } = {
    name: '',
    aliases: [],
  }
  for (const part of text.split(',')) {
    const [key = '', value] = part.split(/=(.*)/s)
    if (value === undefined && attachment.name === '') attachment.name = key
    else if (key === 'name' && value) attachment.name = value
    else if (key === 'alias' && value) attachment.aliases.push(value)
    else if (key === 'ip' && value) attachment.ip = value
    else if (key === 'ip6' && value) attachment.ip6 = value
    else if (key === 'mac-address' && value) attachment.mac = value
    else if (key === 'link-local-ip' && value)
      attachment.linkLocalIps = [...(attachment.linkLocalIps ?? []), value]
    else if (key === 'gw-priority' && value)
      attachment.gatewayPriority = priorityOf(value, '--network gw-priority')
    else if ((key === 'ingress-rate' || key === 'egress-rate') && value) {
      const rate = parseRate(value, `--network ${key}`)
      const named = key === 'ingress-rate' ? { ingressRate: rate } : { egressRate: rate }
      attachment.bandwidth = { ...attachment.bandwidth, ...named }
    } else throw usageError(`invalid argument "${text}" for --network: "${part}" is not understood`)
  }
  if (attachment.name === '') throw usageError(`invalid argument "${text}" for --network: it names none`)
  return attachment
}

/** How soon a network is the way out: a whole number, also one below zero. */
export function priorityOf(text: string, option: string): number {
  if (!/^-?\d{1,15}$/.test(text))
    throw usageError(`invalid argument "${text}" for ${option}: a whole number is needed`)
  return Number(text)
}

/** The flags of `network create`, as they were typed. */
export interface CreateNetworkFlags {
  readonly attachable?: true
  readonly auxAddress?: readonly string[]
  readonly configFrom?: string
  readonly configOnly?: true
  readonly driver?: string
  readonly gateway?: readonly string[]
  readonly internal?: true
  readonly ipamDriver?: string
  readonly ipamOpt?: readonly string[]
  readonly ipRange?: readonly string[]
  readonly ipv6?: true
  readonly label?: readonly string[]
  readonly opt?: readonly string[]
  readonly subnet?: readonly string[]
}

/** What drivers of other daemons have. */
function refusePluginFlags({ configFrom, configOnly, ipamDriver, ipamOpt }: CreateNetworkFlags): void {
  const own = {
    '--config-from': configFrom,
    '--config-only': configOnly,
    '--ipam-driver': ipamDriver === 'default' ? undefined : ipamDriver,
    '--ipam-opt': ipamOpt,
  }
  const given = Object.entries(own).find(([, value]) => value !== undefined)
  if (given !== undefined) throw needsDaemon(`serve ${given[0]}`)
}

/** What `network create` is to make. */
export function networkOptions(name: string, flags: CreateNetworkFlags): NetworkOptions {
  refusePluginFlags(flags)
  return {
    name,
    driver: (flags.driver ?? 'bridge') as NonNullable<NetworkOptions['driver']>,
    subnets: subnetsOf(flags),
    ipv6: flags.ipv6,
    internal: flags.internal,
    attachable: flags.attachable,
    labels: parsePairs(flags.label ?? [], '--label'),
    ...driverOptions(parsePairs(flags.opt ?? [], '-o, --opt')),
  }
}

/** Each gateway, range and auxiliary address belongs to the subnet that holds it. */
export function subnetsOf({
  subnet = [],
  gateway = [],
  ipRange = [],
  auxAddress = [],
}: CreateNetworkFlags): SubnetOptions[] {
  const aux = Object.entries(parsePairs(auxAddress, '--aux-address', { needsValue: true }))
  const subnets = subnet.map((text) => {
    const holds = holder(text)
    return {
      subnet: text,
      gateway: gateway.find(holds),
      range: ipRange.find((range) => holds(range.split('/')[0]!)),
      aux: Object.fromEntries(aux.filter(([, address]) => holds(address))),
    }
  })
  const lost = [
    ...gateway,
    ...ipRange.map((range) => range.split('/')[0]!),
    ...aux.map(([, address]) => address),
  ].find((address) => !subnet.some((text) => holder(text)(address)))
  if (lost !== undefined) throw usageError(`no matching subnet for ${lost}`)
  return subnets
}

function holder(subnet: string): (address: string) => boolean {
  const [base = '', length = ''] = subnet.split('/')
  const list = new BlockList()
  const family = (address: string): 'ipv6' | 'ipv4' => (isIPv6(address) ? 'ipv6' : 'ipv4')
  try {
    list.addSubnet(base, Number(length), family(base))
  } catch {
    throw usageError(`invalid argument "${subnet}" for --subnet: it must be like 10.1.0.0/16 or fd00:1::/64`)
  }
  return (address) => list.check(address, family(address))
}

const overlayNumbers = { vni: 'vni', vxlan_port: 'port', ttl: 'ttlSeconds' } as const

const switches = {
  'com.docker.network.bridge.enable_icc': 'icc',
  'com.docker.network.bridge.enable_ip_masquerade': 'masquerade',
} as const

function driverOptions(pairs: Readonly<Record<string, string>>): Partial<NetworkOptions> {
  const options: Record<string, string | number | boolean> = {}
  const overlay: Record<string, string | number> = {}
  for (const [key, value] of Object.entries(pairs)) {
    if (key === 'com.docker.network.driver.mtu' || key === 'mtu')
      options['mtu'] = parseInteger(value, `-o ${key}`)
    else if (key === 'com.docker.network.bridge.name') options['bridge'] = value
    else if (key === 'parent') options['parent'] = value
    else if (key === 'macvlan_mode' || key === 'ipvlan_mode' || key === 'mode') options['mode'] = value
    else if (key === 'store' || key === 'local') overlay[key] = value
    else if (Object.hasOwn(overlayNumbers, key))
      overlay[overlayNumbers[key as keyof typeof overlayNumbers]] = parseInteger(value, `-o ${key}`)
    else if (Object.hasOwn(switches, key))
      options[switches[key as keyof typeof switches]] = isTrue(key, value)
    else throw usageError(`invalid argument "${key}" for -o, --opt: there is no such option`)
  }
  return Object.keys(overlay).length === 0
    ? options
    : { ...options, overlay: overlay as unknown as OverlayOptions }
}

function isTrue(key: string, value: string): boolean {
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw usageError(`invalid argument "${key}=${value}" for -o, --opt: true or false is needed`)
}
