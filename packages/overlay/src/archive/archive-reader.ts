import { byteString, type ByteString } from '../files/byte-string.js'
import { archiveEntry, type ArchiveEntry } from './archive-entry.js'
import { readHeader, type ArchiveHeader } from './archive-header.js'
import { blockSize, paddingOf } from './block-size.js'
import { EntryContent, type ContentSink } from './entry-content.js'
import { malformed } from './malformed.js'
import { parsePaxRecords, type PaxRecords } from './pax.js'
import { decimal, sparsePieces, type SparsePiece } from './sparse-map.js'

/** Takes entries as they come; gives back where a file's content goes. */
export type EntryHandler = (entry: ArchiveEntry) => ContentSink | undefined

/** More bytes than this before one entry, and the archive is refused: a real one has a few kilobytes. */
const mostHeaderBytes = 8 * 2 ** 20
const mostLongName = 64 * 2 ** 10
const morePieces = 21
const none: PaxRecords = new Map()

/** Takes the next so many bytes, once they are all there. */
interface Step {
  readonly length: number
  take(bytes: Buffer): void
}

/**
 * Reads a tar of any dialect (v7, ustar, PAX, GNU, star) as its bytes come. Names and extended attributes stay
 * bytes, times are in nanoseconds, sparse files of all of GNU's formats are told piece by piece, and the archive
 * ends at its end marker, two blocks of zeros, or between two entries.
 *
 * Everything is synchronous: a chunk is dealt with when `write` returns.
 */
export class ArchiveReader {
  readonly #handler: EntryHandler
  readonly #header: Step = { length: blockSize, take: (block) => this.#takeHeader(block) }
  #step: Step = this.#header
  /** The start of what the step wants. */
  #part: Buffer | undefined
  #partLength = 0
  #content: EntryContent | undefined
  #padding = 0
  #zeroBlocks = 0
  #ended = false
  /** Of the entry that comes next. */
  #records: PaxRecords = none
  #longPath: ByteString | undefined
  #longTarget: ByteString | undefined
  #headerBytes = 0
  /** Of all entries that come. */
  #recordsOfAll: PaxRecords = none

  constructor(handler: EntryHandler) {
    this.#handler = handler
  }

  /** Reads on. What the handler and its sinks throw comes out of here. */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    // whatever follows the end marker is no part of the archive
    for (let at = 0; at < bytes.length && !this.#ended;) {
      if (this.#content !== undefined) {
        at += this.#content.feed(bytes, at)
        if (this.#content.isWhole) this.#endContent()
      } else if (this.#padding > 0) {
        const length = Math.min(this.#padding, bytes.length - at)
        this.#padding -= length
        at += length
      } else {
        at += this.#feedStep(bytes, at)
      }
    }
  }

  /** There is no more. */
  end(): void {
    if (this.#ended) return
    const isInside = this.#content !== undefined || this.#padding > 0 || this.#partLength > 0
    // behind an extension header there must be the entry that it is about
    if (isInside || this.#step !== this.#header || this.#headerBytes > 0) throw malformed('it is cut short')
  }

  /** Gives up: the file that is being written is aborted. Idempotent. */
  destroy(): void {
    this.#ended = true
    this.#content?.abort()
    this.#content = undefined
  }

  #feedStep(bytes: Buffer, at: number): number {
    const { length } = this.#step
    if (this.#partLength === 0 && bytes.length - at >= length) {
      this.#step.take(bytes.subarray(at, at + length))
      return length
    }
    this.#part ??= Buffer.allocUnsafe(length)
    const more = Math.min(length - this.#partLength, bytes.length - at)
    bytes.copy(this.#part, this.#partLength, at, at + more)
    this.#partLength += more
    if (this.#partLength === length) {
      const whole = this.#part
      this.#part = undefined
      this.#partLength = 0
      this.#step.take(whole)
    }
    return more
  }

  #takeHeader(block: Buffer): void {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1
      this.#ended = this.#zeroBlocks === 2
      return
    }
    this.#zeroBlocks = 0
    const header = readHeader(block)
    switch (header.type) {
      case 'x':
        this.#extend(header, mostHeaderBytes, (bytes) => (this.#records = parsePaxRecords(bytes)))
        break
      case 'g':
        this.#extend(header, mostHeaderBytes, (bytes) => (this.#recordsOfAll = parsePaxRecords(bytes)))
        break
      case 'L':
        this.#extend(header, mostLongName, (bytes) => (this.#longPath = untilZero(bytes)))
        break
      case 'K':
        this.#extend(header, mostLongName, (bytes) => (this.#longTarget = untilZero(bytes)))
        break
      default:
        if (header.sparse?.continued === true) this.#morePieces(header, [...header.sparse.pieces])
        else this.#entry(header)
    }
  }

  /** Reads what an extension header is about: it belongs to an entry that comes later. */
  #extend({ size }: ArchiveHeader, most: number, use: (bytes: Buffer) => void): void {
    this.#countHeaders(blockSize + size)
    if (size > most) throw malformed(`an extension header has ${size} bytes, ${most} are the most`)
    const take = (bytes: Buffer): void => {
      this.#step = this.#header
      this.#padding = paddingOf(size)
      // kept for longer than the chunk, which is not ours
      use(Buffer.from(bytes))
    }
    if (size === 0) take(Buffer.alloc(0))
    else this.#step = { length: size, take }
  }

  /** Reads blocks with more pieces of a sparse file of GNU's old format. */
  #morePieces(header: ArchiveHeader, pieces: SparsePiece[]): void {
    const take = (block: Buffer): void => {
      this.#countHeaders(blockSize)
      pieces.push(...sparsePieces(block, 0, morePieces))
      if (block[504] !== 0) return
      this.#step = this.#header
      this.#entry({ ...header, sparse: { ...header.sparse!, pieces, continued: false } })
    }
    this.#step = { length: blockSize, take }
  }

  #entry(header: ArchiveHeader): void {
    const records =
      this.#recordsOfAll.size === 0 ? this.#records : new Map([...this.#recordsOfAll, ...this.#records])
    const extensions = { records, longPath: this.#longPath, longTarget: this.#longTarget }
    this.#records = none
    this.#longPath = undefined
    this.#longTarget = undefined
    this.#headerBytes = 0
    const stored = storedSize(header, records)
    const entry = archiveEntry({ ...header, size: stored }, extensions)
    this.#padding = paddingOf(stored)
    this.#content = new EntryContent(this.#handler(entry), stored, entry.sparse)
    this.#content.begin()
    if (this.#content.isWhole) this.#endContent()
  }

  #endContent(): void {
    this.#content?.end()
    this.#content = undefined
  }

  #countHeaders(bytes: number): void {
    this.#headerBytes += bytes
    if (this.#headerBytes <= mostHeaderBytes) return
    throw malformed(`more than ${mostHeaderBytes} bytes of headers before one entry`)
  }
}

/** Bytes that the archive has of an entry: too large ones do not fit into the header itself. */
function storedSize({ type, size }: ArchiveHeader, records: PaxRecords): number {
  const record = records.get('size')
  if (record !== undefined && record.length > 0 && (type === '0' || type === '7'))
    size = decimal(byteString(record))
  if (size >= 0) return size
  throw malformed('the size of an entry is negative')
}

function untilZero(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0)
  return byteString(end === -1 ? bytes : bytes.subarray(0, end))
}
