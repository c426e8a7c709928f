import { ipBytes, lastIp, parseIp, parseIpSubnet } from '../address/ip.js'
import type { Protocol } from '../ports.js'
import type { Element } from './transaction.js'

const protocolNumber: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 }
const IFNAME_SIZE = 16

/** The protocol of that number; undefined of those that are not published. */
export function protocolOf(number: number): Protocol | undefined {
  return (['tcp', 'udp', 'sctp'] as const).find((protocol) => protocolNumber[protocol] === number)
}

/** Key of a set of interfaces, such as `bridges`. */
export function bridgeElement(name: string): Element {
  return { key: interfaceName(name) }
}

/** Key of the set `inside`: from the bridge to itself. */
export function insideElement(name: string): Element {
  return { key: concatenate(interfaceName(name), interfaceName(name)) }
}

/** Keys of the sets `subnets` and `subnets6`: where the interval begins, and the first address behind it. */
export function subnetElements(text: string): readonly Element[] {
  const subnet = parseIpSubnet(text)
  if (subnet === undefined) throw new TypeError(`no subnet: ${text}`)
  const begin = { key: ipBytes({ family: subnet.family, value: subnet.base }) }
  const end = { key: ipBytes({ family: subnet.family, value: lastIp(subnet) + 1n }), intervalEnd: true }
  return [begin, end]
}

/** Key of the maps `ports` and `ports6`: protocol . port, each padded to four bytes. */
export function portKey(protocol: Protocol, port: number): Uint8Array {
  return Uint8Array.of(protocolNumber[protocol], 0, 0, 0, port >> 8, port, 0, 0)
}

/** Key of the maps `ports_at` and `ports6_at`: address . protocol . port. */
export function portAtKey(hostAddress: string, protocol: Protocol, port: number): Uint8Array {
  return concatenate(addressBytes(hostAddress), portKey(protocol, port))
}

/** Value of all four maps: address . port. */
export function targetValue(address: string, port: number): Uint8Array {
  return concatenate(addressBytes(address), Uint8Array.of(port >> 8, port, 0, 0))
}

/** An interface's name as nf_tables compares it. */
export function interfaceName(name: string): Uint8Array {
  const bytes = new Uint8Array(IFNAME_SIZE)
  bytes.set(Buffer.from(name))
  return bytes
}

/** Bytes of an address that was checked before. */
export function addressBytes(text: string): Uint8Array {
  const ip = parseIp(text)
  if (ip === undefined) throw new TypeError(`no address: ${text}`)
  return ipBytes(ip)
}

/** Pieces of a concatenated key, in order; each must be a multiple of four bytes long. */
export function concatenate(...pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}
