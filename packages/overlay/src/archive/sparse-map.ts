import type { ByteString } from '../files/byte-string.js'
import { malformed } from './malformed.js'
import { numberIn } from './number-field.js'

/** A piece of a sparse file that the archive has; what lies between pieces is a hole. */
export interface SparsePiece {
  readonly offset: number
  readonly length: number
}

/**
 * The pieces in a block of GNU's old format, 12 bytes for the offset and 12 for the length each. An empty one is
 * the end of the list.
 */
export function sparsePieces(block: Buffer, start: number, most: number): SparsePiece[] {
  const pieces: SparsePiece[] = []
  for (let at = start; at < start + most * 24 && block[at + 12] !== 0; at += 24) {
    pieces.push({
      offset: numberIn(block, at, at + 12, 'offset in a sparse map'),
      length: numberIn(block, at + 12, at + 24, 'length in a sparse map'),
    })
  }
  return pieces
}

/** Pieces from a list of numbers, offset and length in turns. */
export function piecesOf(numbers: readonly ByteString[]): SparsePiece[] {
  if (numbers.length % 2 !== 0) throw malformed('a sparse map ends in the middle of a piece')
  const pieces: SparsePiece[] = []
  for (let at = 0; at < numbers.length; at += 2) {
    pieces.push({ offset: decimal(numbers[at]!), length: decimal(numbers[at + 1]!) })
  }
  return pieces
}

/** A number of a sparse map, or of what belongs to it. */
export function decimal(text: ByteString): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(value)) return value
  throw malformed(`a sparse map holds ${JSON.stringify(text.slice(0, 20))}, which is no number`)
}

/**
 * Checks a map against what it is about.
 *
 * @param stored - Bytes that the archive has of the file.
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE`: pieces overlap, are out of order or lie outside of the file,
 *   or are not as long together as what the archive has.
 */
export function checkSparseMap(pieces: readonly SparsePiece[], realSize: number, stored: number): void {
  let end = 0
  let total = 0
  for (const { offset, length } of pieces) {
    if (offset < end || length < 0) throw malformed('the pieces of a sparse file overlap or are out of order')
    end = offset + length
    total += length
    if (end > realSize) throw malformed('a piece of a sparse file lies behind its end')
  }
  if (total !== stored) {
    throw malformed(`the pieces of a sparse file have ${total} bytes together, the archive has ${stored}`)
  }
}
