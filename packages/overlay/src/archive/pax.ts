import { byteString, bytesOf, type ByteString } from '../files/byte-string.js'
import { OverlayError } from '../errors.js'

/** Records of PAX headers by their keys; values are bytes. */
export type PaxRecords = ReadonlyMap<ByteString, Uint8Array>

/** Where GNU's first format of sparse files has pairs of records for each piece, its second has one list. */
const sparseMap = 'GNU.sparse.map'
const sparsePairs = ['GNU.sparse.offset', 'GNU.sparse.numbytes']

/**
 * Parses the records of a PAX extended header, `LENGTH KEY=VALUE\n` each. Values stay bytes, because
 * extended attributes are no text. Of records with the same key the last one counts, but those that are the map
 * of a sparse file become one list.
 *
 * @param bytes - The header's data.
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` when a record's length or shape is wrong.
 * @see {@link https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03}
 */
export function parsePaxRecords(bytes: Uint8Array): Map<ByteString, Uint8Array> {
  const records = new Map<ByteString, Uint8Array>()
  const pairs: ByteString[] = []
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at)
    const digits = space === -1 ? '' : byteString(bytes.subarray(at, Math.min(space, at + 12)))
    const length = /^[1-9]\d*$/.test(digits) && space - at === digits.length ? Number(digits) : 0
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a || equals === -1 || equals >= end) {
      throw malformedRecord(at)
    }
    const key = byteString(bytes.subarray(space + 1, equals))
    const value = bytes.subarray(equals + 1, end - 1)
    if (!sparsePairs.includes(key)) records.set(key, value)
    else if (key === sparsePairs[pairs.length % 2]) pairs.push(byteString(value))
    else throw malformedRecord(at)
    at = end
  }
  if (pairs.length > 0) records.set(sparseMap, bytesOf(pairs.join(',')))
  return records
}

function malformedRecord(at: number): OverlayError {
  return new OverlayError(
    'ERR_OVERLAY_ARCHIVE',
    `cannot read a PAX header: the record at byte ${at} is malformed`,
  )
}

/** Far enough for every file system, and nanoseconds of it still fit the kernel's 64-bit seconds. */
const farthestSecond = 2n ** 40n

/**
 * Nanoseconds since 1970 of a PAX time (`1700000000.123456789`, also negative), or `undefined` when it is
 * none. Digits beyond nanoseconds are dropped.
 */
export function parsePaxTime(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(text)
  if (match === null) return undefined
  const seconds = BigInt(match[2]!)
  if (seconds > farthestSecond) return undefined
  const nanoseconds = seconds * 1_000_000_000n + BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  return match[1] === '-' ? -nanoseconds : nanoseconds
}
