import { isIPv4, isIPv6 } from 'node:net'

/** IPv4 or IPv6. */
export type Family = 4 | 6

/** An address of either family, as an unsigned number. */
export interface Ip {
  readonly family: Family
  readonly value: bigint
}

/** A range of addresses of either family in CIDR form, its host bits zero. */
export interface IpSubnet {
  readonly family: Family
  /** First address. */
  readonly base: bigint
  readonly prefixLength: number
}

const bitsOf = { 4: 32, 6: 128 } as const

/** Reads an address as inet_pton(3) does, without a zone; `undefined` when it is none. */
export function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return { family: 4, value: joined(text.split('.').map(Number), 8n) }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const hexadecimal = text.replace(/[0-9.]+\.[0-9]+$/, (dotted) => {
    const value = joined(dotted.split('.').map(Number), 8n)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })
  const [before = '', after] = hexadecimal.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
  const head = groups(before)
  const tail = groups(after ?? '')
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0)
  return { family: 6, value: joined([...head, ...zeros, ...tail], 16n) }
}

/** Writes an address: dotted decimal, or as RFC 5952 wants it. */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) {
    const number = Number(value)
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`
  }
  const groups = split(value, 8, 16n).map((group) => group.toString(16))
  // the longest run of zeros, the first of several, but not a single one
  let [best, bestLength] = [0, 1]
  for (let at = 0; at < 8; at++) {
    let end = at
    while (groups[end] === '0') end++
    if (end - at > bestLength) [best, bestLength] = [at, end - at]
  }
  if (bestLength === 1) return groups.join(':')
  return `${groups.slice(0, best).join(':')}::${groups.slice(best + bestLength).join(':')}`
}

/** Reads `ADDRESS/LENGTH`; `undefined` when malformed or when bits beyond the prefix are set. */
export function parseIpSubnet(text: string): IpSubnet | undefined {
  const [address = '', length = '', ...rest] = text.split('/')
  const ip = parseIp(address)
  if (ip === undefined || rest.length > 0 || !/^(?:0|[1-9][0-9]{0,2})$/.test(length)) return undefined
  const prefixLength = Number(length)
  if (prefixLength > bitsOf[ip.family]) return undefined
  const subnet = { family: ip.family, base: ip.value, prefixLength }
  return ip.value % sizeOf(subnet) === 0n ? subnet : undefined
}

/** Writes `ADDRESS/LENGTH`. */
export function formatIpSubnet({ family, base, prefixLength }: IpSubnet): string {
  return `${formatIp({ family, value: base })}/${prefixLength}`
}

/** How many addresses there are. */
export function sizeOf({ family, prefixLength }: Pick<IpSubnet, 'family' | 'prefixLength'>): bigint {
  return 1n << BigInt(bitsOf[family] - prefixLength)
}

/** Last address of a subnet. */
export function lastIp(subnet: IpSubnet): bigint {
  return subnet.base + sizeOf(subnet) - 1n
}

/** True when the address lies in the subnet. */
export function containsIp(subnet: IpSubnet, { family, value }: Ip): boolean {
  return subnet.family === family && value >= subnet.base && value <= lastIp(subnet)
}

/** True when two subnets share an address. */
export function overlapIp(a: IpSubnet, b: IpSubnet): boolean {
  return (
    containsIp(a, { family: b.family, value: b.base }) || containsIp(b, { family: a.family, value: a.base })
  )
}

/** The bytes of an address in network order: 4 or 16. */
export function ipBytes({ family, value }: Ip): Uint8Array {
  return Uint8Array.from(split(value, bitsOf[family] / 8, 8n))
}

/** The reverse of {@link ipBytes}. */
export function ipOf(bytes: Uint8Array): Ip {
  return { family: bytes.length === 4 ? 4 : 6, value: joined([...bytes], 8n) }
}

function joined(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n)
}

function split(value: bigint, count: number, bits: bigint): number[] {
  const mask = (1n << bits) - 1n
  return Array.from({ length: count }, (_, index) =>
    Number((value >> (BigInt(count - 1 - index) * bits)) & mask),
  )
}
