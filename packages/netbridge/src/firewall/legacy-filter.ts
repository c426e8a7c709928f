import { readFileSync } from 'node:fs'
import { AF_INET, AF_INET6, Fd, out, SOCK_DGRAM, socket, syscallOr } from '@ctr/linux'
import { readString } from '../netlink/message-reader.js'

/** A chain of iptables-legacy in which packets end that no rule lets through. */
export interface LegacyChain {
  readonly family: 'ip' | 'ip6'
  readonly name: 'FORWARD'
  readonly by: 'policy' | 'rule'
  /** Interfaces whose packets are let through before, as iptables(8) writes them: `-i NAME`, `-o NAME`. */
  readonly passes: ReadonlySet<string>
}

// <linux/netfilter_ipv4/ip_tables.h> and <linux/netfilter_ipv6/ip6_tables.h>
const SO_GET_INFO = 64
const SO_GET_ENTRIES = 65
const INFO_SIZE = 84
const ENTRIES_OFFSET = 40
const TABLE_NAME_SIZE = 32
const HOOK_ENTRY = 36
const UNDERFLOW = 56
const INFO_ENTRIES_SIZE = 80
const FORWARD = 2
const TARGET_HEADER_SIZE = 32
const VERDICT_DROP = -1
const VERDICT_ACCEPT = -2
const IFNAME_SIZE = 16

const families = [
  {
    family: 'ip',
    domain: AF_INET,
    level: 0,
    names: 'ip_tables_names',
    interfaces: 16,
    conditionsSize: 84,
    headerSize: 112,
  },
  {
    family: 'ip6',
    domain: AF_INET6,
    level: 41,
    names: 'ip6_tables_names',
    interfaces: 64,
    conditionsSize: 136,
    headerSize: 168,
  },
] as const

/**
 * The `FORWARD` chains of iptables-legacy that are closed, in the network namespace of the thread. Its tables are no part
 * of nf_tables: what they drop is dropped, and only their own rules can let it through. Makes no table that is not there.
 */
export function closedLegacyChains(): LegacyChain[] {
  return families.flatMap(({ family, names, ...layout }) => {
    if (!tableNames(names).includes('filter')) return []
    const end = forwardEnd(layout)
    return end === undefined ? [] : [{ family, name: 'FORWARD', ...end }]
  })
}

function tableNames(file: string): string[] {
  try {
    return readFileSync(`/proc/thread-self/net/${file}`, 'utf8').split('\n')
  } catch {
    return [] // the kernel has no such tables
  }
}

interface Layout {
  readonly domain: number
  readonly level: number
  /** Where in an entry's conditions the names of its interfaces are, and behind them their masks. */
  readonly interfaces: number
  /** Bytes of an entry's conditions. */
  readonly conditionsSize: number
  /** Bytes before an entry's matches. */
  readonly headerSize: number
}

function forwardEnd(layout: Layout): Pick<LegacyChain, 'by' | 'passes'> | undefined {
  const { domain, level, conditionsSize, headerSize } = layout
  using fd = new Fd(socket(domain, SOCK_DGRAM, 0))
  const info = get(fd.number, level, SO_GET_INFO, INFO_SIZE)
  if (info === undefined) return undefined
  const size = info.readUInt32LE(INFO_ENTRIES_SIZE)
  const answer = get(fd.number, level, SO_GET_ENTRIES, ENTRIES_OFFSET + size, size)
  if (answer === undefined) return undefined
  const entries = answer.subarray(ENTRIES_OFFSET)
  const last = info.readUInt32LE(UNDERFLOW + 4 * FORWARD)
  const passes = new Set<string>()
  for (let at = info.readUInt32LE(HOOK_ENTRY + 4 * FORWARD); at <= last;) {
    const conditions = entries.subarray(at, at + conditionsSize)
    const targetOffset = entries.readUInt16LE(at + conditionsSize + 4)
    const next = entries.readUInt16LE(at + conditionsSize + 6)
    const { name, verdict } = targetOf(entries.subarray(at + targetOffset, at + next))
    if (targetOffset === headerSize) {
      const isForAll = conditions.every((byte) => byte === 0)
      const isEnd = name === 'REJECT' || verdict === VERDICT_DROP
      if (isForAll && isEnd) return { by: at === last ? 'policy' : 'rule', passes }
      const interfaces = verdict === VERDICT_ACCEPT ? onlyInterface(conditions, layout.interfaces) : undefined
      if (interfaces !== undefined) passes.add(interfaces)
    }
    if (next === 0) break
    at += next
  }
  return undefined
}

function targetOf(target: Buffer): { readonly name: string; readonly verdict: number | undefined } {
  const name = readString(target.subarray(2, TARGET_HEADER_SIZE - 1)) ?? ''
  return { name, verdict: name === '' ? target.readInt32LE(TARGET_HEADER_SIZE) : undefined }
}

/** The one interface that an entry is about; undefined when it is about anything else. */
function onlyInterface(conditions: Buffer, offset: number): string | undefined {
  const field = (index: number): Buffer =>
    conditions.subarray(offset + index * IFNAME_SIZE, offset + (index + 1) * IFNAME_SIZE)
  for (const [flag, index] of [['-i', 0] as const, ['-o', 1] as const]) {
    const name = readString(field(index)) ?? ''
    const isExact = field(index + 2)
      .subarray(0, name.length + 1)
      .every((byte) => byte === 0xff)
    const rest = Buffer.from(conditions)
    for (const part of [index, index + 2])
      rest.fill(0, offset + part * IFNAME_SIZE, offset + (part + 1) * IFNAME_SIZE)
    if (name !== '' && isExact && rest.every((byte) => byte === 0)) return `${flag} ${name}`
  }
  return undefined
}

/** A structure about the table `filter`; undefined when the table has changed or is gone. */
function get(fd: number, level: number, option: number, length: number, size = 0): Buffer | undefined {
  const bytes = Buffer.alloc(length)
  bytes.write('filter')
  if (option === SO_GET_ENTRIES) bytes.writeUInt32LE(size, TABLE_NAME_SIZE)
  const lengthBytes = Buffer.alloc(4)
  lengthBytes.writeUInt32LE(length)
  const result = syscallOr(
    ['EAGAIN', 'EINVAL', 'ENOENT', 'EPERM'],
    'getsockopt',
    fd,
    level,
    option,
    out(bytes),
    out(lengthBytes),
  )
  return typeof result === 'number' ? bytes : undefined
}
