import { OverlayError } from '../errors.js'
import { byteString, type ByteString } from '../files/byte-string.js'
import { parsePaxRecords } from './pax.js'

/** What lies between the end of one entry and the header of the next. */
export interface HeadersBetween {
  /** The records of the PAX header that belongs to the next entry, values as bytes. */
  readonly records: ReadonlyMap<ByteString, Uint8Array>
  /** True when the end marker, two blocks of zeros, is among them. */
  readonly ended: boolean
}

const block = 512
const none: HeadersBetween = { records: new Map(), ended: false }

/**
 * Reads the extension headers before an entry: PAX for itself (`x`) and for all (`g`), GNU long names (`L`,
 * `K`, `N`), and blocks of zeros.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` when they are malformed.
 */
export function readHeadersBetween(bytes: Uint8Array): HeadersBetween {
  if (bytes.length === 0) return none
  let records: ReadonlyMap<ByteString, Uint8Array> = none.records
  let zeros = 0
  for (let at = 0; at + block <= bytes.length;) {
    const header = bytes.subarray(at, at + block)
    at += block
    if (header.every((byte) => byte === 0)) {
      zeros += 1
      if (zeros === 2) return { records, ended: true }
      continue
    }
    zeros = 0
    const type = String.fromCharCode(header[156]!)
    if (!'xgLKN'.includes(type)) throw malformed(`a header of type ${JSON.stringify(type)} where none can be`)
    const size = sizeOf(header)
    if (type === 'x') records = parsePaxRecords(bytes.subarray(at, at + size))
    at += Math.ceil(size / block) * block
  }
  return { records, ended: false }
}

function sizeOf(header: Uint8Array): number {
  const match = /^ *([0-7]{1,11})[ \0]?/.exec(byteString(header.subarray(124, 136)))
  if (match === null) throw malformed('the size of an extension header is no octal number')
  return parseInt(match[1]!, 8)
}

function malformed(what: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_ARCHIVE', `cannot read the archive: ${what}`)
}
