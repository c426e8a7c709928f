import { BlockList, isIP } from 'node:net'

/**
 * True when `address` is an IP address in a network such as `10.0.0.0/8`, `fd00::/8` or a single address.
 * Names are in no network: nobody looks them up, so that no answer of a name server decides.
 */
export function isInNetwork(address: string, network: string): boolean {
  const version = isIP(address)
  const [base = '', prefix] = network.split('/')
  if (version === 0 || isIP(base) !== version) return false
  const bits = version === 4 ? 32 : 128
  const length = prefix === undefined ? bits : Number(prefix)
  if (prefix === '' || !Number.isInteger(length) || length < 0 || length > bits) return false
  const list = new BlockList()
  const family = version === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(base, length, family)
  return list.check(address, family)
}

/** Name or address of `host[:port]`, without the brackets of IPv6, in lower case. */
export function hostNameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
}

/** True for this machine itself: `localhost`, `127.0.0.0/8` and `::1`. */
export function isLoopback(name: string): boolean {
  return name === 'localhost' || isInNetwork(name, '127.0.0.0/8') || isInNetwork(name, '::1')
}
