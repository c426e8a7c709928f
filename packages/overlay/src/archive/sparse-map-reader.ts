import { blockSize } from './block-size.js'
import { malformed } from './malformed.js'
import { decimal, piecesOf, type SparsePiece } from './sparse-map.js'

/** A map of more bytes than this, and the archive is refused. */
const mostBytes = 4 * 2 ** 20

/**
 * Reads the map of a sparse file that stands before its content: decimal numbers, one a line, in whole blocks. The
 * first one says how many pieces there are.
 */
export class SparseMapReader {
  readonly #block = Buffer.alloc(blockSize)
  #filled = 0
  #text = ''
  #lines = 0
  #lengthInLines = 0
  #pieces: readonly SparsePiece[] | undefined

  /** The map, as soon as all of it has been read. */
  get pieces(): readonly SparsePiece[] | undefined {
    return this.#pieces
  }

  /** Takes what belongs to the map of the bytes from `start` to `end`. Gives back how many bytes that were. */
  feed(bytes: Buffer, start: number, end: number): number {
    const length = Math.min(blockSize - this.#filled, end - start)
    bytes.copy(this.#block, this.#filled, start, start + length)
    this.#filled += length
    if (this.#filled === blockSize) this.#take(this.#block.toString('latin1'))
    return length
  }

  #take(block: string): void {
    this.#filled = 0
    this.#text += block
    for (let at = block.indexOf('\n'); at !== -1; at = block.indexOf('\n', at + 1)) this.#lines += 1
    if (this.#lengthInLines === 0) {
      const [count = ''] = this.#text.split('\n', 1)
      this.#lengthInLines = 1 + 2 * decimal(count)
    }
    if (this.#lines >= this.#lengthInLines) {
      this.#pieces = piecesOf(this.#text.split('\n', this.#lengthInLines).slice(1))
    } else if (this.#text.length >= mostBytes) {
      throw malformed(`a sparse map has more than ${mostBytes} bytes`)
    }
  }
}
