import { byteString, type ByteString } from '../files/byte-string.js'
import { OverlayError } from '../errors.js'

/**
 * Parses the records of a PAX extended header, `LENGTH KEY=VALUE\n` each. Values stay bytes, because
 * extended attributes are no text.
 *
 * @param bytes - The header's data.
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` when a record's length or shape is wrong.
 * @see {@link https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03}
 */
export function parsePaxRecords(bytes: Uint8Array): Map<ByteString, Uint8Array> {
  const records = new Map<ByteString, Uint8Array>()
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at)
    const digits = space === -1 ? '' : byteString(bytes.subarray(at, Math.min(space, at + 12)))
    const length = /^[1-9]\d*$/.test(digits) && space - at === digits.length ? Number(digits) : 0
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a || equals === -1 || equals >= end) {
      throw new OverlayError(
        'ERR_OVERLAY_ARCHIVE',
        `cannot read a PAX header: the record at byte ${at} is malformed`,
      )
    }
    records.set(byteString(bytes.subarray(space + 1, equals)), bytes.subarray(equals + 1, end - 1))
    at = end
  }
  return records
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
