/** A range of IPv4 addresses in CIDR form, its host bits zero. */
export interface Subnet {
  /** First address as an unsigned number. */
  readonly base: number
  readonly prefixLength: number
}

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const dotted = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** Reads dotted decimal without leading zeros, as inet_pton(3) does; `undefined` when it is not that. */
export function parseIpv4(text: string): number | undefined {
  if (!dotted.test(text)) return undefined
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0)
}

/** Writes an address in dotted decimal. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** Writes `a.b.c.d/n`. */
export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatIpv4(base)}/${prefixLength}`
}

/** Last address of a subnet: the broadcast address. */
export function lastAddress({ base, prefixLength }: Subnet): number {
  return base + 2 ** (32 - prefixLength) - 1
}

/** True when the address lies in the subnet. */
export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address <= lastAddress(subnet)
}

/** The four bytes of an address in network order. */
export function ipv4Bytes(address: number): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address)
}
