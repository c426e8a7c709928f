import { closeSync, openSync } from 'node:fs'
import { flock, isSyscallError, LOCK_EX, LOCK_NB } from '@ctr/linux'
import type { BridgeRecord } from '../state/network-record.js'
import { forwardEnd } from './legacy-filter.js'
import {
  FORWARD,
  IFNAME_SIZE,
  legacyFamilies,
  readLegacyTable,
  replaceLegacyTable,
  TARGET_HEADER_SIZE,
  VERDICT_ACCEPT,
  type LegacyEntry,
  type LegacyFamily,
  type LegacyTable,
} from './legacy-table.js'
import { commentPrefix } from './passes.js'

/** What iptables(8) of both kinds locks while it changes a table. */
const LOCK = '/run/xtables.lock'
const COMMENT_SIZE = 256
const VERDICT_SIZE = 8
const ATTEMPTS = 5

/**
 * Lets packets of networks through the `FORWARD` chains of iptables-legacy that end them, and takes back what is there
 * for networks that are gone: `iptables-legacy -I FORWARD -i BRIDGE -m comment --comment … -j ACCEPT`, and the same of
 * `-o`. A table can only be replaced whole. What cannot be changed now stays, and `firewallWarnings()` tells of it.
 *
 * @param bridges - All networks of the instance.
 */
export function ensureLegacyPasses(instance: string, bridges: readonly BridgeRecord[]): void {
  for (const layout of legacyFamilies) {
    if (changed(layout, instance, bridges) === undefined) continue
    withLock(() => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const change = changed(layout, instance, bridges)
        if (change === undefined) return
        try {
          replaceLegacyTable(layout, ...change)
          return
        } catch (error) {
          if (!isSyscallError(error)) throw error
          if (error.code !== 'EAGAIN') return
        }
      }
    })
  }
}

/** Whether {@link ensureLegacyPasses} has something to do. */
export function needsLegacyPasses(instance: string, bridges: readonly BridgeRecord[]): boolean {
  return legacyFamilies.some((layout) => changed(layout, instance, bridges) !== undefined)
}

/** The table as it is and as it shall be; undefined when that is the same. */
function changed(
  layout: LegacyFamily,
  instance: string,
  bridges: readonly BridgeRecord[],
): [before: LegacyTable, after: LegacyTable] | undefined {
  const table = readLegacyTable(layout)
  if (table === undefined) return undefined
  const prefix = commentPrefix(instance)
  const isOurs = ({ comment, verdict }: LegacyEntry): boolean =>
    comment?.startsWith(prefix) === true && verdict === VERDICT_ACCEPT
  const wanted =
    forwardEnd(table, layout) === undefined
      ? []
      : bridges
          .filter(({ ipv6 }) => layout.family === 'ip' || ipv6 !== undefined)
          .flatMap(({ bridge }) => [
            newEntry(layout, 'from', bridge, prefix),
            newEntry(layout, 'to', bridge, prefix),
          ])
  const found = table.entries.filter(isOurs)
  const comments = (entries: readonly LegacyEntry[]): string =>
    entries
      .map(({ comment }) => comment)
      .sort()
      .join('\n')
  if (comments(found) === comments(wanted)) return undefined
  const others = table.entries.filter((entry) => !isOurs(entry))
  return [table, withFirst(table, others, wanted, layout)]
}

/** The table with its entries moved: hooks, policies and jumps are offsets. */
function withFirst(
  table: LegacyTable,
  others: readonly LegacyEntry[],
  first: readonly LegacyEntry[],
  { conditionsSize }: LegacyFamily,
): LegacyTable {
  const start = table.hookEntry[FORWARD]!
  const at = others.findIndex(({ offset = 0 }) => offset >= start)
  const entries = [...others.slice(0, at), ...first, ...others.slice(at)]
  /** Where the first entry is now that was not before an offset. */
  const places: { readonly old: number; readonly now: number }[] = []
  let now = 0
  let forward = 0
  for (const entry of entries) {
    if (entry === (first[0] ?? others[at])) forward = now
    if (entry.offset !== undefined) places.push({ old: entry.offset, now })
    now += entry.bytes.length
  }
  const moved = (old: number): number => places.find((place) => place.old >= old)?.now ?? old
  const isValid = (hook: number): boolean => (table.validHooks & (1 << hook)) !== 0
  return {
    validHooks: table.validHooks,
    hookEntry: table.hookEntry.map((old, hook) => {
      if (hook === FORWARD) return forward
      return isValid(hook) ? moved(old) : old
    }),
    underflow: table.underflow.map((old, hook) => (isValid(hook) ? moved(old) : old)),
    entries: entries.map((entry) => {
      if (entry.verdict === undefined || entry.verdict < 0) return entry
      const bytes = Buffer.from(entry.bytes)
      const targetOffset = bytes.readUInt16LE(conditionsSize + 4)
      bytes.writeInt32LE(moved(entry.verdict), targetOffset + TARGET_HEADER_SIZE)
      return { ...entry, bytes }
    }),
  }
}

function newEntry(
  { conditionsSize, headerSize, interfaces }: LegacyFamily,
  way: 'from' | 'to',
  bridge: string,
  prefix: string,
): LegacyEntry {
  const comment = `${prefix}${way} ${bridge}`
  const targetOffset = headerSize + TARGET_HEADER_SIZE + COMMENT_SIZE
  const size = targetOffset + TARGET_HEADER_SIZE + VERDICT_SIZE
  const bytes = Buffer.alloc(size)
  const place = interfaces + (way === 'from' ? 0 : IFNAME_SIZE)
  bytes.write(bridge, place)
  bytes.fill(0xff, place + 2 * IFNAME_SIZE, place + 2 * IFNAME_SIZE + bridge.length + 1)
  bytes.writeUInt16LE(targetOffset, conditionsSize + 4)
  bytes.writeUInt16LE(size, conditionsSize + 6)
  bytes.writeUInt16LE(TARGET_HEADER_SIZE + COMMENT_SIZE, headerSize)
  bytes.write('comment', headerSize + 2)
  bytes.write(comment, headerSize + TARGET_HEADER_SIZE)
  bytes.writeUInt16LE(TARGET_HEADER_SIZE + VERDICT_SIZE, targetOffset)
  bytes.writeInt32LE(VERDICT_ACCEPT, targetOffset + TARGET_HEADER_SIZE)
  const conditions = bytes.subarray(0, conditionsSize)
  return {
    ...{ offset: undefined, bytes, conditions, comment },
    matches: ['comment'],
    target: '',
    verdict: VERDICT_ACCEPT,
  }
}

/** Does nothing while an iptables(8) is at work, for a second at most: then it is left to the next to open a network. */
function withLock(body: () => void): void {
  let fd: number
  try {
    fd = openSync(LOCK, 'a', 0o600)
  } catch {
    return // a host that nobody may lock has no iptables(8) to change it either
  }
  try {
    for (let waited = 0; waited < 1000; waited += 10) {
      try {
        flock(fd, LOCK_EX | LOCK_NB)
        body()
        return
      } catch (error) {
        if (!isSyscallError(error) || error.code !== 'EAGAIN') throw error
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }
    }
  } finally {
    closeSync(fd)
  }
}
