import { readFileSync } from 'node:fs'
import { AF_INET, AF_INET6, Fd, out, SOCK_DGRAM, socket, syscall, syscallOr, Words } from '@ctr/linux'
import { readString } from '../netlink/message-reader.js'

// <linux/netfilter_ipv4/ip_tables.h>, <linux/netfilter_ipv6/ip6_tables.h> and <linux/netfilter/x_tables.h>
const SO_GET_INFO = 64
const SO_GET_ENTRIES = 65
const SO_SET_REPLACE = 64
const SO_SET_ADD_COUNTERS = 65
const INFO_SIZE = 84
const TABLE_NAME_SIZE = 32
const ENTRIES_OFFSET = 40
const REPLACE_SIZE = 96
const COUNTERS_POINTER = 88
const COUNTERS_SIZE = 16
export const HOOKS = 5
export const FORWARD = 2
export const IFNAME_SIZE = 16
export const TARGET_HEADER_SIZE = 32
export const VERDICT_DROP = -1
export const VERDICT_ACCEPT = -2

/** How entries of a family are laid out. */
export interface LegacyFamily {
  readonly family: 'ip' | 'ip6'
  readonly domain: number
  readonly level: number
  /** File of `/proc/net` with the names of tables that are there. */
  readonly names: string
  /** Where in an entry's conditions the names of its interfaces are, and behind them their masks. */
  readonly interfaces: number
  /** Bytes of an entry's conditions. */
  readonly conditionsSize: number
  /** Bytes before an entry's matches. */
  readonly headerSize: number
}

export const legacyFamilies: readonly LegacyFamily[] = [
  {
    ...{ family: 'ip', domain: AF_INET, level: 0, names: 'ip_tables_names' },
    ...{ interfaces: 16, conditionsSize: 84, headerSize: 112 },
  },
  {
    ...{ family: 'ip6', domain: AF_INET6, level: 41, names: 'ip6_tables_names' },
    ...{ interfaces: 64, conditionsSize: 136, headerSize: 168 },
  },
]

/** An entry of a table: a rule, a policy, or the beginning of a chain. */
export interface LegacyEntry {
  /** Where it is in the table; undefined of new ones. */
  readonly offset: number | undefined
  readonly bytes: Buffer
  readonly conditions: Buffer
  /** Names of its matches. */
  readonly matches: readonly string[]
  /** Text of the match `comment`. */
  readonly comment: string | undefined
  /** Name of its target; empty of a verdict or a jump. */
  readonly target: string
  /** Negative is a verdict, else where the chain begins that it jumps to. Undefined with a named target. */
  readonly verdict: number | undefined
}

/** The table `filter` of one family. */
export interface LegacyTable {
  readonly validHooks: number
  /** Where each hook's chain begins, and where its policy is. */
  readonly hookEntry: readonly number[]
  readonly underflow: readonly number[]
  readonly entries: readonly LegacyEntry[]
}

/** Reads the table; undefined when there is none. Makes none. */
export function readLegacyTable(layout: LegacyFamily): LegacyTable | undefined {
  if (!tableNames(layout.names).includes('filter')) return undefined
  using fd = new Fd(socket(layout.domain, SOCK_DGRAM, 0))
  const info = get(fd.number, layout.level, SO_GET_INFO, named(INFO_SIZE))
  if (info === undefined) return undefined
  const size = info.readUInt32LE(80)
  const request = named(ENTRIES_OFFSET + size)
  request.writeUInt32LE(size, TABLE_NAME_SIZE)
  const answer = get(fd.number, layout.level, SO_GET_ENTRIES, request)
  if (answer === undefined) return undefined
  const numbers = (at: number): number[] =>
    Array.from({ length: HOOKS }, (_, hook) => info.readUInt32LE(at + 4 * hook))
  return {
    validHooks: info.readUInt32LE(32),
    hookEntry: numbers(36),
    underflow: numbers(56),
    entries: readEntries(answer.subarray(ENTRIES_OFFSET), layout),
  }
}

/**
 * Puts entries in the place of those of a table; packet counters of entries that stay go on.
 *
 * @throws {@link SyscallError} `EAGAIN`: the table has changed since it was read.
 */
export function replaceLegacyTable(layout: LegacyFamily, before: LegacyTable, after: LegacyTable): void {
  using fd = new Fd(socket(layout.domain, SOCK_DGRAM, 0))
  const blob = Buffer.concat(after.entries.map(({ bytes }) => bytes))
  const replace = Buffer.concat([named(REPLACE_SIZE), blob])
  replace.writeUInt32LE(after.validHooks, 32)
  replace.writeUInt32LE(after.entries.length, 36)
  replace.writeUInt32LE(blob.length, 40)
  after.hookEntry.forEach((offset, hook) => replace.writeUInt32LE(offset, 44 + 4 * hook))
  after.underflow.forEach((offset, hook) => replace.writeUInt32LE(offset, 64 + 4 * hook))
  replace.writeUInt32LE(before.entries.length, 84)
  const counters = Buffer.alloc(before.entries.length * COUNTERS_SIZE)
  const words: (bigint | ReturnType<typeof out>)[] = []
  for (let at = 0; at < replace.length; at += 8)
    words.push(at === COUNTERS_POINTER ? out(counters) : replace.readBigUInt64LE(at))
  syscall('setsockopt', fd.number, layout.level, SO_SET_REPLACE, new Words(words), replace.length)
  const places = new Map(before.entries.map(({ offset }, index) => [offset, index]))
  const kept = after.entries.map(({ offset }) => {
    const place = offset === undefined ? undefined : places.get(offset)
    return place === undefined
      ? Buffer.alloc(COUNTERS_SIZE)
      : counters.subarray(place * COUNTERS_SIZE, (place + 1) * COUNTERS_SIZE)
  })
  const add = Buffer.concat([named(ENTRIES_OFFSET), ...kept])
  add.writeUInt32LE(kept.length, TABLE_NAME_SIZE)
  syscall('setsockopt', fd.number, layout.level, SO_SET_ADD_COUNTERS, add, add.length)
}

function readEntries(table: Buffer, { conditionsSize, headerSize }: LegacyFamily): LegacyEntry[] {
  const entries: LegacyEntry[] = []
  for (let offset = 0; offset + headerSize <= table.length;) {
    const targetOffset = table.readUInt16LE(offset + conditionsSize + 4)
    const size = table.readUInt16LE(offset + conditionsSize + 6)
    if (size < headerSize || targetOffset < headerSize || offset + size > table.length) break
    const bytes = table.subarray(offset, offset + size)
    const matches: string[] = []
    let comment: string | undefined
    for (let at = headerSize; at + TARGET_HEADER_SIZE <= targetOffset;) {
      const length = bytes.readUInt16LE(at)
      const name = extensionName(bytes.subarray(at))
      matches.push(name)
      if (name === 'comment') comment = readString(bytes.subarray(at + TARGET_HEADER_SIZE, at + length))
      if (length < TARGET_HEADER_SIZE) break
      at += length
    }
    const target = extensionName(bytes.subarray(targetOffset))
    const verdict = target === '' ? bytes.readInt32LE(targetOffset + TARGET_HEADER_SIZE) : undefined
    const conditions = bytes.subarray(0, conditionsSize)
    entries.push({ offset, bytes, conditions, matches, comment, target, verdict })
    offset += size
  }
  return entries
}

/** Name of a match or a target: behind its size, before its revision. */
function extensionName(bytes: Buffer): string {
  return readString(bytes.subarray(2, TARGET_HEADER_SIZE - 1)) ?? ''
}

function tableNames(file: string): string[] {
  try {
    return readFileSync(`/proc/thread-self/net/${file}`, 'utf8').split('\n')
  } catch {
    return [] // the kernel has no such tables
  }
}

function named(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.write('filter')
  return bytes
}

/** Asks about the table; undefined when it has changed or is gone. */
function get(fd: number, level: number, option: number, bytes: Buffer): Buffer | undefined {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  const expected = ['EAGAIN', 'EINVAL', 'ENOENT', 'EPERM'] as const
  const result = syscallOr(expected, 'getsockopt', fd, level, option, out(bytes), out(length))
  return typeof result === 'number' ? bytes : undefined
}
