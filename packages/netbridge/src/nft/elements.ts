import { ipv4Bytes, lastAddress, type Subnet } from '../address/ipv4.js'
import type { Protocol } from '../ports.js'
import type { Element } from './transaction.js'

const protocolNumber: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 }
const IFNAME_SIZE = 16

/** Key of the set `bridges`. */
export function bridgeElement(name: string): Element {
  return { key: interfaceName(name) }
}

/** Key of the set `inside`: from the bridge to itself. */
export function insideElement(name: string): Element {
  return { key: concatenate(interfaceName(name), interfaceName(name)) }
}

/** Keys of the set `subnets`: where the interval begins, and the first address behind it. */
export function subnetElements(subnet: Subnet): readonly Element[] {
  return [{ key: ipv4Bytes(subnet.base) }, { key: ipv4Bytes(lastAddress(subnet) + 1), intervalEnd: true }]
}

/** Key of the map `ports`: protocol . port, each padded to four bytes. */
export function portKey(protocol: Protocol, port: number): Uint8Array {
  return Uint8Array.of(protocolNumber[protocol], 0, 0, 0, port >> 8, port, 0, 0)
}

/** Key of the map `ports_at`: address . protocol . port. */
export function portAtKey(hostAddress: number, protocol: Protocol, port: number): Uint8Array {
  return concatenate(ipv4Bytes(hostAddress), portKey(protocol, port))
}

/** Value of both maps: address . port. */
export function targetValue(address: number, port: number): Uint8Array {
  return concatenate(ipv4Bytes(address), Uint8Array.of(port >> 8, port, 0, 0))
}

function interfaceName(name: string): Uint8Array {
  const bytes = Buffer.alloc(IFNAME_SIZE)
  bytes.write(name)
  return bytes
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length)
  bytes.set(a)
  bytes.set(b, a.length)
  return bytes
}
