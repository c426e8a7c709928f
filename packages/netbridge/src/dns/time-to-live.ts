import { headerLength } from './message.js'

const SOA = 6
const OPT = 41

/**
 * Visits the records of a message (RFC 1035, 4.1.3) without reading what they say.
 *
 * @returns False when it is malformed.
 */
function visitRecords(bytes: Buffer, visit: (type: number, ttlAt: number, dataEnd: number) => void): boolean {
  let at = headerLength
  const skipName = (): boolean => {
    while (at < bytes.length) {
      const length = bytes[at]!
      at += (length & 0xc0) === 0xc0 ? 2 : length + 1
      if (length === 0 || length > 63) return length === 0 || (length & 0xc0) === 0xc0
    }
    return false
  }
  for (let left = bytes.readUInt16BE(4); left > 0; left--) {
    if (!skipName()) return false
    at += 4
  }
  for (let left = [6, 8, 10].reduce((sum, offset) => sum + bytes.readUInt16BE(offset), 0); left > 0; left--) {
    if (!skipName() || at + 10 > bytes.length) return false
    const ttlAt = at + 4
    const end = at + 10 + bytes.readUInt16BE(at + 8)
    if (end > bytes.length) return false
    visit(bytes.readUInt16BE(at), ttlAt, end)
    at = end
  }
  return true
}

/**
 * For how many seconds an answer may be kept: the shortest of its records, for one without any that of the zone's
 * SOA record (RFC 2308, 5). 0: it may not.
 */
export function secondsToLive(bytes: Buffer): number {
  let least = Infinity
  const whole = visitRecords(bytes, (type, ttlAt, end) => {
    if (type === OPT) return
    const ttl = bytes.readUInt32BE(ttlAt)
    const negative = type === SOA && end - ttlAt >= 10 ? bytes.readUInt32BE(end - 4) : Infinity
    // one with the highest bit set is to be taken for none (RFC 2181, 8)
    least = Math.min(least, ttl > 0x7fffffff ? 0 : ttl, negative)
  })
  return whole && least !== Infinity ? least : 0
}

/** A copy of an answer that was kept for some seconds, for another query. */
export function aged(bytes: Buffer, seconds: number): Buffer {
  const copy = Buffer.from(bytes)
  visitRecords(bytes, (type, ttlAt) => {
    if (type !== OPT) copy.writeUInt32BE(Math.max(bytes.readUInt32BE(ttlAt) - seconds, 0), ttlAt)
  })
  return copy
}
