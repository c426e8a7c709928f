import { largestUdp, rcodes, writeAnswer, writeFailure, type Query } from './message.js'
import type { Names } from './name-table.js'

/** Seconds that askers may keep an address of ours: containers come and go. */
const timeToLive = 10
const transfers = ['AXFR', 'IXFR']

/** What the networks themselves answer, the first that knows; undefined when somebody else has to be asked. */
export function answerOf(query: Query, tables: readonly Names[]): Buffer | undefined {
  if (query.class !== 'IN' || transfers.includes(query.type)) return writeFailure(query, rcodes.refused)
  const reversed = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/i.exec(query.name)
  if (reversed !== null) {
    const address = reversed.slice(1).reverse().join('.')
    const names = firstOf(tables, (table) => table.namesOf(address))
    if (names === undefined) return undefined
    if (names.length === 0) return writeFailure(query, rcodes.nameError)
    if (query.type !== 'PTR' && query.type !== 'ANY') return writeAnswer(query, [])
    return writeAnswer(
      query,
      names.map((data) => ({ type: 'PTR' as const, name: query.name, ttl: timeToLive, data })),
    )
  }
  const addresses = firstOf(tables, (table) => table.addressesOf(query.name))
  if (addresses === undefined) return undefined
  // a name that is there has no records of other types: an asker for IPv6 must not take it for unknown
  if (query.type !== 'A' && query.type !== 'ANY') return writeAnswer(query, [])
  return writeAnswer(
    query,
    addresses.map((data) => ({ type: 'A' as const, name: query.name, ttl: timeToLive, data })),
  )
}

function firstOf<Found>(
  tables: readonly Names[],
  find: (table: Names) => Found | undefined,
): Found | undefined {
  for (const table of tables) {
    const found = find(table)
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether an answer can go by UDP. */
export function fits(bytes: Buffer, { udpSize }: Query): boolean {
  return bytes.length <= Math.min(udpSize, largestUdp)
}
