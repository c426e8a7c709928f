import { byteString, type ByteString } from '../files/byte-string.js'
import { blockSize } from './block-size.js'
import { malformed } from './malformed.js'
import { isOctal, numberIn } from './number-field.js'
import { sparsePieces, type SparsePiece } from './sparse-map.js'

/** What one header block says, as it stands there: extension headers may say otherwise. */
export interface ArchiveHeader {
  /** Type flag: a character. */
  readonly type: string
  readonly path: ByteString
  readonly target: ByteString
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970. */
  readonly mtime: number
  /** 0 for everything but devices. */
  readonly major: number
  readonly minor: number
  /** Of GNU's old sparse files, type `S`. */
  readonly sparse: OldSparseHeader | undefined
}

/** What GNU tar has in the header of a sparse file of its old format. */
export interface OldSparseHeader {
  readonly realSize: number
  readonly pieces: readonly SparsePiece[]
  /** True when a block with more pieces follows. */
  readonly continued: boolean
}

/** Types of which the size is no size of content, whatever it says: links, devices, folders and fifos. */
const withoutContent = '123456'

/**
 * Reads a header block of any dialect: v7, ustar, GNU, star.
 *
 * @param block - 512 bytes, not all zero.
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE`: the checksum is wrong, or a number is none.
 */
export function readHeader(block: Buffer): ArchiveHeader {
  checkSum(block)
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]!)
  const name = text(block, 0, 100)
  const prefix = prefixOf(block)
  const isDevice = type === '3' || type === '4'
  return {
    type,
    path: prefix === '' ? name : `${prefix}/${name}`,
    target: text(block, 157, 257),
    size: withoutContent.includes(type) ? 0 : numberIn(block, 124, 136, 'size'),
    mode: numberIn(block, 100, 108, 'mode'),
    uid: numberIn(block, 108, 116, 'owner'),
    gid: numberIn(block, 116, 124, 'group'),
    mtime: numberIn(block, 136, 148, 'time'),
    major: isDevice ? numberIn(block, 329, 337, 'major device number') : 0,
    minor: isDevice ? numberIn(block, 337, 345, 'minor device number') : 0,
    sparse:
      type === 'S'
        ? {
            realSize: numberIn(block, 483, 495, 'size of a sparse file'),
            pieces: sparsePieces(block, 386, 4),
            continued: block[482] !== 0,
          }
        : undefined,
  }
}

/** The first part of a long name: only where the format has one. */
function prefixOf(block: Buffer): ByteString {
  // GNU's magic is "ustar  ", and it keeps other things there
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return ''
  const star =
    block.toString('latin1', 508, 512) === 'tar\0' && isOctal(block, 476, 487) && isOctal(block, 488, 499)
  return text(block, 345, star ? 476 : 500)
}

function checkSum(block: Buffer): void {
  let sum = 0
  let signed = 0
  for (let at = 0; at < blockSize; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : block[at]!
    sum += byte
    signed += byte < 128 ? byte : byte - 256
  }
  const said = numberIn(block, 148, 156, 'checksum')
  // old programs add up signed characters
  if (said !== sum && said !== signed)
    throw malformed('the checksum of a header is wrong: this is no tar, or damaged')
}

function text(block: Buffer, start: number, end: number): ByteString {
  let stop = start
  while (stop < end && block[stop] !== 0) stop += 1
  return byteString(block.subarray(start, stop))
}
