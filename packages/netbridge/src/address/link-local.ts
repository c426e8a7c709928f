import { NetbridgeError } from '../errors.js'
import { containsIp, formatIpSubnet, parseIp, parseIpSubnet, type Ip, type IpSubnet } from './ip.js'

/** As many as an interface may be given; each takes a call of the kernel. */
const most = 16

/** As Docker: how much of the network such an address is on. */
const prefixLengths = { 4: 16, 6: 64 } as const

/** Ranges without addresses of interfaces. */
const unusable = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/8', 'ff00::/8'].map((text) =>
  parseIpSubnet(text)!,
)

/** An address that no network hands out, with its prefix. */
export interface LinkLocalAddress {
  readonly ip: Ip
  readonly prefixLength: number
}

/**
 * Reads further addresses of an interface.
 *
 * @param subnets - Of the network, whose addresses are handed out and cannot be taken so.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function checkLinkLocal(
  texts: readonly string[],
  subnets: readonly IpSubnet[],
): readonly LinkLocalAddress[] {
  if (texts.length > most) throw invalid(String(texts.length), `at most ${most} addresses`)
  return [...new Set(texts)].map((text) => {
    const ip = parseIp(text)
    if (ip === undefined || unusable.some((range) => containsIp(range, ip)))
      throw invalid(JSON.stringify(text.slice(0, 80)), 'a unicast IPv4 or IPv6 address')
    const own = subnets.find((subnet) => subnet.family === ip.family && containsIp(subnet, ip))
    if (own !== undefined)
      throw invalid(text, `outside of ${formatIpSubnet(own)}, whose addresses the network hands out`)
    return { ip, prefixLength: prefixLengths[ip.family] }
  })
}

function invalid(what: string, should: string): NetbridgeError {
  return new NetbridgeError(
    'ERR_NETBRIDGE_INVALID_ARG',
    `cannot use ${what} as link-local address: it must be ${should}`,
  )
}
