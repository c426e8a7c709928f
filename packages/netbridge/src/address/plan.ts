import { NetbridgeError } from '../errors.js'
import type { SubnetInfo, SubnetOptions } from '../network-info.js'
import {
  containsIp,
  formatIp,
  formatIpSubnet,
  lastIp,
  parseIp,
  parseIpSubnet,
  type Family,
  type Ip,
  type IpSubnet,
} from './ip.js'

/** Addresses of a network of one family. */
export interface AddressPlan {
  readonly subnet: IpSubnet
  readonly gateway: Ip
  /** Where addresses are chosen from. */
  readonly range: IpSubnet
  /** The gateway's and those of others, as text. */
  readonly reserved: readonly string[]
}

function invalid(what: string, value: string, should: string): NetbridgeError {
  const quoted = JSON.stringify(value.slice(0, 80))
  return new NetbridgeError(
    'ERR_NETBRIDGE_INVALID_ARG',
    `cannot use ${quoted} as ${what}: it must be ${should}`,
  )
}

/** Ranges in which there are no addresses for containers. */
const unusable = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/8', 'fe80::/10', 'ff00::/8'].map((text) =>
  parseIpSubnet(text)!,
)

/** A subnet in CIDR form that has room for a gateway and a container. */
export function checkIpSubnet(text: string): IpSubnet {
  const subnet = parseIpSubnet(text)
  const longest = subnet?.family === 6 ? 125 : 29
  const use = subnet && !unusable.some((range) => containsIp(range, { ...subnet, value: subnet.base }))
  if (!use || subnet.prefixLength < 8 || subnet.prefixLength > longest) {
    throw invalid(
      'subnet',
      text,
      'a unicast range with no host bits set, IPv4 from /8 to /29 or IPv6 from /8 to /125',
    )
  }
  return subnet
}

/**
 * Reads what is wanted of one subnet.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function checkPlan(wanted: SubnetOptions, family?: Family): AddressPlan {
  const subnet = checkIpSubnet(wanted.subnet)
  if (family !== undefined && subnet.family !== family)
    throw invalid('subnet', wanted.subnet, `one of IPv${family}`)
  const gateway =
    wanted.gateway === undefined
      ? { family: subnet.family, value: subnet.base + 1n }
      : inside(subnet, 'gateway', wanted.gateway)
  const aux = Object.entries(wanted.aux ?? {}).map(([name, text]) =>
    formatIp(inside(subnet, `auxiliary address ${name}`, text)),
  )
  return {
    subnet,
    gateway,
    range: wanted.range === undefined ? subnet : checkRange(wanted.range, subnet),
    reserved: [formatIp(gateway), ...aux],
  }
}

/** How a plan is written down. */
export function describePlan(plan: AddressPlan, aux: SubnetOptions['aux'] = {}): SubnetInfo {
  return {
    subnet: formatIpSubnet(plan.subnet),
    gateway: formatIp(plan.gateway),
    range: formatIpSubnet(plan.range),
    aux,
  }
}

function checkRange(text: string, subnet: IpSubnet): IpSubnet {
  const range = parseIpSubnet(text)
  if (range === undefined || !containsIp(subnet, { ...range, value: range.base }))
    throw invalid('range', text, `a part of ${formatIpSubnet(subnet)} in CIDR form`)
  if (range.prefixLength < subnet.prefixLength)
    throw invalid('range', text, `no larger than ${formatIpSubnet(subnet)}`)
  return range
}

/** An address of the subnet that a machine can have: not the first, and of IPv4 not the last. */
function inside(subnet: IpSubnet, what: string, text: string): Ip {
  const ip = parseIp(text)
  const last = subnet.family === 4 ? lastIp(subnet) : lastIp(subnet) + 1n
  if (ip === undefined || !containsIp(subnet, ip) || ip.value === subnet.base || ip.value === last)
    throw invalid(what, text, `an address inside ${formatIpSubnet(subnet)}`)
  return ip
}
