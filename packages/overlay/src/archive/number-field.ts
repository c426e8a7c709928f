import { malformed } from './malformed.js'

const zero = 0x30
const seven = 0x37

/**
 * A number of a header block: octal digits between spaces and NULs, nothing for 0, or GNU's form for what is too
 * large or negative, in which the first bit is set and two's complement follows.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE`: it is neither, or no safe integer.
 */
export function numberIn(block: Uint8Array, start: number, end: number, what: string): number {
  if (block[start]! >= 0x80) return binaryIn(block, start, end, what)
  let at = start
  while (at < end && block[at] === 0x20) at += 1
  let value = 0
  for (; at < end && block[at]! >= zero && block[at]! <= seven; at += 1) value = value * 8 + block[at]! - zero
  for (; at < end; at += 1) {
    // some programs fill up with spaces, others with NULs, and what follows a NUL means nothing
    if (block[at] === 0) break
    if (block[at] !== 0x20) throw malformed(`the ${what} in a header is no number`)
  }
  return value
}

/** True for digits of an octal number, at least one. */
export function isOctal(block: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (block[at]! < zero || block[at]! > seven) return false
  return true
}

function binaryIn(block: Uint8Array, start: number, end: number, what: string): number {
  const first = block[start]! & 0x7f
  let value = first < 0x40 ? first : first - 0x80
  for (let at = start + 1; at < end; at += 1) value = value * 256 + block[at]!
  if (!Number.isSafeInteger(value)) throw malformed(`the ${what} in a header is out of range`)
  return value
}
