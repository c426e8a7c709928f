import {
  FORWARD,
  IFNAME_SIZE,
  legacyFamilies,
  readLegacyTable,
  VERDICT_ACCEPT,
  VERDICT_DROP,
  type LegacyEntry,
  type LegacyFamily,
  type LegacyTable,
} from './legacy-table.js'
import { readString } from '../netlink/message-reader.js'

/** A chain of iptables-legacy in which packets end that no rule lets through. */
export interface LegacyChain {
  readonly family: 'ip' | 'ip6'
  readonly name: 'FORWARD'
  readonly by: 'policy' | 'rule'
  /** Interfaces whose packets are let through before, as iptables(8) writes them: `-i NAME`, `-o NAME`. */
  readonly passes: ReadonlySet<string>
}

/**
 * The `FORWARD` chains of iptables-legacy that are closed, in the network namespace of the thread. Its tables are no part
 * of nf_tables: what they drop is dropped, and only their own rules can let it through. Makes no table that is not there.
 */
export function closedLegacyChains(): LegacyChain[] {
  return legacyFamilies.flatMap((layout) => {
    const table = readLegacyTable(layout)
    const end = table === undefined ? undefined : forwardEnd(table, layout)
    return end === undefined ? [] : [{ family: layout.family, name: 'FORWARD', ...end }]
  })
}

/** Whether everything that comes through a table's FORWARD chain ends there, but for what passes before. */
export function forwardEnd(
  { entries, hookEntry, underflow }: LegacyTable,
  { interfaces }: LegacyFamily,
): Pick<LegacyChain, 'by' | 'passes'> | undefined {
  const passes = new Set<string>()
  const first = hookEntry[FORWARD] ?? 0
  const last = underflow[FORWARD] ?? 0
  for (const { offset = 0, conditions, matches, target, verdict } of entries) {
    if (offset < first || offset > last || matches.some((name) => name !== 'comment')) continue
    const isForAll = conditions.every((byte) => byte === 0)
    if (isForAll && (target === 'REJECT' || verdict === VERDICT_DROP))
      return { by: offset === last ? 'policy' : 'rule', passes }
    const pass = verdict === VERDICT_ACCEPT ? onlyInterface(conditions, interfaces) : undefined
    if (pass !== undefined) passes.add(pass)
  }
  return undefined
}

/** The one interface that an entry is about; undefined when it is about anything else. */
function onlyInterface(conditions: LegacyEntry['conditions'], offset: number): string | undefined {
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
