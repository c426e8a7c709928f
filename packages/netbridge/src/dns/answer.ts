import { largestUdp, rcodes, writeAnswer, writeFailure, type Query } from './message.js'
import type { NameTable } from './name-table.js'

/** Seconds that askers may keep an address of ours: containers come and go. */
const timeToLive = 10
const transfers = ['AXFR', 'IXFR']

/** What the network itself answers; undefined when somebody else has to be asked. */
export function answerOf(query: Query, table: NameTable): Buffer | undefined {
  if (query.class !== 'IN' || transfers.includes(query.type)) return writeFailure(query, rcodes.refused)
  const reversed = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/i.exec(query.name)
  if (reversed !== null) {
    const names = table.namesOf(reversed.slice(1).reverse().join('.'))
    if (names === undefined) return undefined
    if (names.length === 0) return writeFailure(query, rcodes.nameError)
    if (query.type !== 'PTR' && query.type !== 'ANY') return writeAnswer(query, [])
    return writeAnswer(
      query,
      names.map((data) => ({ type: 'PTR' as const, name: query.name, ttl: timeToLive, data })),
    )
  }
  const addresses = table.addressesOf(query.name)
  if (addresses === undefined) return undefined
  // a name that is there has no records of other types: an asker for IPv6 must not take it for unknown
  if (query.type !== 'A' && query.type !== 'ANY') return writeAnswer(query, [])
  return writeAnswer(
    query,
    addresses.map((data) => ({ type: 'A' as const, name: query.name, ttl: timeToLive, data })),
  )
}

/** Whether an answer can go by UDP. */
export function fits(bytes: Buffer, { udpSize }: Query): boolean {
  return bytes.length <= Math.min(udpSize, largestUdp)
}
