import { formatIp, ipOf } from '../address/ip.js'
import { readAttributes, readString } from '../netlink/message-reader.js'
import * as nft from './constants.js'
import { verdictOf, type ReadExpression } from './read-ruleset.js'

/** What is in registers and has not been used yet: what nft(8) calls it, and how its values are written. */
interface Loaded {
  readonly text: string
  readonly value: (bytes: Buffer) => string
}

const NOTHING = Buffer.alloc(0)
const hex = (bytes: Buffer): string => `0x${bytes.toString('hex')}`
const number = (bytes: Buffer): string => String(bytes.readUIntBE(0, Math.min(bytes.length, 6)))
const name = (bytes: Buffer): string => `"${readString(bytes) ?? ''}"`
const protocols: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmpv6',
  132: 'sctp',
}
const families: Readonly<Record<number, string>> = { [nft.NFPROTO_IPV4]: 'ipv4', [nft.NFPROTO_IPV6]: 'ipv6' }
const frames: Readonly<Record<string, string>> = { '0x0800': 'ip', '0x0806': 'arp', '0x86dd': 'ip6' }
/** An address, or the beginning of one that stands for a prefix. */
const address = (bytes: Buffer): string =>
  bytes.length === 4 || bytes.length === 16
    ? formatIp(ipOf(bytes))
    : `${bytes.join('.')}${'.0'.repeat(4 - bytes.length)}/${8 * bytes.length}`
const mac = (bytes: Buffer): string =>
  [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')

const metas: Readonly<Record<number, Loaded>> = {
  [nft.NFT_META_PROTOCOL]: { text: 'meta protocol', value: (bytes) => frames[hex(bytes)] ?? hex(bytes) },
  [nft.NFT_META_IIFNAME]: { text: 'iifname', value: name },
  [nft.NFT_META_OIFNAME]: { text: 'oifname', value: name },
  [nft.NFT_META_NFPROTO]: { text: 'meta nfproto', value: (bytes) => families[bytes[0]!] ?? hex(bytes) },
  [nft.NFT_META_L4PROTO]: { text: 'meta l4proto', value: (bytes) => protocols[bytes[0]!] ?? number(bytes) },
}

/** By base, offset and length. */
const payloads: Readonly<Record<string, Loaded>> = {
  '0 6 6': { text: 'ether saddr', value: mac },
  '1 8 6': { text: 'arp saddr ether', value: mac },
  '1 14 4': { text: 'arp saddr ip', value: address },
  '1 12 4': { text: 'ip saddr', value: address },
  '1 16 4': { text: 'ip daddr', value: address },
  '1 12 1': { text: 'ip saddr', value: address },
  '1 16 1': { text: 'ip daddr', value: address },
  '1 8 16': { text: 'ip6 saddr', value: address },
  '1 24 16': { text: 'ip6 daddr', value: address },
  '2 0 1': { text: 'icmpv6 type', value: number },
  '2 2 2': { text: 'th dport', value: number },
  '2 8 16': { text: 'nd target', value: address },
}

/** What masks of `ct` mean that rules of ours ask for. */
const masked: Readonly<Record<string, string>> = {
  'ct state & 0x6': 'ct state established,related',
  'ct status & 0x20': 'ct status dnat',
}

/**
 * A rule of the kernel in the words of nft(8). What rules of ours never say is written as `[NAME]`, so that nothing is
 * left out.
 */
export function formatRule(expressions: readonly ReadExpression[]): string {
  const words: string[] = []
  let loaded: Loaded[] = []
  const use = (): string => {
    const text = loaded.map((each) => each.text).join(' . ')
    loaded = []
    return text
  }
  for (const expression of expressions) {
    const { name: kind, data } = expression
    const verdict = verdictOf(expression)
    if (verdict !== undefined) words.push(formatVerdict(verdict))
    else if (kind === 'cmp') words.push(formatCompare(data, loaded.pop()))
    else if (kind === 'lookup') {
      const set = `@${readString(data.get(1)) ?? ''}`
      const isMap = data.has(3)
      const inverted = (u32(data.get(5)) & nft.NFT_LOOKUP_F_INV) === 0 ? '' : '!= '
      const keys = use()
      if (isMap) loaded.push({ text: `${keys} map ${set}`, value: hex })
      else words.push(`${keys} ${inverted}${set}`)
    } else if (kind === 'bitwise') {
      const last = loaded.pop()
      const mask = readAttributes(data.get(4) ?? NOTHING).get(nft.NFTA_DATA_VALUE)
      loaded.push({ text: `${last?.text ?? ''} & 0x${(mask?.readUInt32LE() ?? 0).toString(16)}`, value: hex })
    } else if (kind === 'nat') words.push(`dnat to ${use()}`)
    else if (kind === 'masq') words.push('masquerade')
    else if (kind === 'counter') continue
    else {
      const load = loadOf(kind, data)
      if (load === undefined) words.push(kind === 'reject' ? kind : `[${kind}]`)
      else loaded.push(load)
    }
  }
  return words.join(' ')
}

function loadOf(kind: string, data: ReadonlyMap<number, Buffer>): Loaded | undefined {
  switch (kind) {
    case 'meta':
      return metas[u32(data.get(2))] ?? { text: `meta ${u32(data.get(2))}`, value: hex }
    case 'payload': {
      const place = [2, 3, 4].map((type) => u32(data.get(type)))
      return payloads[`${place[0]} ${place[1]} ${place[2]}`] ?? { text: `@${place.join(',')}`, value: hex }
    }
    case 'ct':
      return { text: u32(data.get(2)) === nft.NFT_CT_STATE ? 'ct state' : 'ct status', value: hex }
    case 'fib':
      return { text: 'fib daddr type', value: (bytes) => (bytes[0] === nft.RTN_LOCAL ? 'local' : hex(bytes)) }
    default:
      return undefined
  }
}

function formatCompare(data: ReadonlyMap<number, Buffer>, left: Loaded | undefined): string {
  const value = readAttributes(data.get(3) ?? NOTHING).get(nft.NFTA_DATA_VALUE) ?? NOTHING
  const isEqual = u32(data.get(2)) === nft.NFT_CMP_EQ
  const meaning = masked[left?.text ?? '']
  if (meaning !== undefined && !isEqual && value.every((byte) => byte === 0)) return meaning
  return `${left?.text ?? '?'} ${isEqual ? '' : '!= '}${left?.value(value) ?? hex(value)}`
}

function formatVerdict({
  code,
  chain,
}: {
  readonly code: number
  readonly chain: string | undefined
}): string {
  if (code === nft.NF_ACCEPT) return 'accept'
  if (code === nft.NF_DROP) return 'drop'
  if (code === nft.NFT_JUMP) return `jump ${chain}`
  if (code === nft.NFT_GOTO) return `goto ${chain}`
  return `verdict ${code}`
}

function u32(bytes: Buffer | undefined): number {
  return bytes === undefined || bytes.length < 4 ? 0 : bytes.readUInt32BE()
}
