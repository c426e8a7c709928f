import { malformed } from './malformed.js'
import { SparseMapReader } from './sparse-map-reader.js'
import { checkSparseMap, type SparsePiece } from './sparse-map.js'

/** Takes the content of one file, in order. */
export interface ContentSink {
  write(bytes: Uint8Array): void
  /** So many bytes of a sparse file are a hole: they read as zeros. */
  skip(bytes: number): void
  /** The content is whole. */
  end(): void
  /** The content will not become whole. */
  abort(): void
}

/** What a sparse file consists of. */
export interface SparseContent {
  readonly realSize: number
  /** `'in-content'`: the map stands before the content itself, as in the newest of GNU's formats. */
  readonly pieces: readonly SparsePiece[] | 'in-content'
}

/** The content of one entry on its way from an archive to where it is wanted. */
export class EntryContent {
  readonly #sink: ContentSink | undefined
  readonly #realSize: number
  /** Stored bytes that are still to come. */
  #left: number
  #map: SparseMapReader | undefined
  #pieces: readonly SparsePiece[] = []
  #nextPiece = 0
  #pieceLeft = 0
  /** Where in the file the next byte goes. */
  #position = 0

  /**
   * @param sink - `undefined` to drop the content.
   * @param stored - Bytes that the archive has.
   * @param sparse - Of a sparse file; a map that is known has been checked.
   */
  constructor(sink: ContentSink | undefined, stored: number, sparse: SparseContent | undefined) {
    this.#sink = sink
    this.#left = stored
    this.#realSize = sparse?.realSize ?? stored
    if (sparse?.pieces === 'in-content') this.#map = new SparseMapReader()
    else this.#pieces = sparse?.pieces ?? [{ offset: 0, length: stored }]
  }

  /** Goes to where the content begins. Once, before everything else. */
  begin(): void {
    if (this.#map === undefined) this.#toPiece()
  }

  /** Takes what it needs from `at` on. Gives back how many bytes that were; 0 when it is whole. */
  feed(bytes: Buffer, at: number): number {
    if (this.#map !== undefined) return this.#feedMap(this.#map, bytes, at)
    const length = Math.min(this.#pieceLeft, bytes.length - at)
    if (length === 0) return 0
    this.#sink?.write(bytes.subarray(at, at + length))
    this.#left -= length
    this.#pieceLeft -= length
    this.#position += length
    if (this.#pieceLeft === 0) this.#toPiece()
    return length
  }

  /** True when everything has come. */
  get isWhole(): boolean {
    return this.#left === 0
  }

  /** Ends a content that is whole. */
  end(): void {
    if (this.#map !== undefined) throw malformed('a sparse file ends within its map')
    if (this.#position < this.#realSize) this.#sink?.skip(this.#realSize - this.#position)
    this.#sink?.end()
  }

  /** The rest will not come. */
  abort(): void {
    this.#sink?.abort()
  }

  #feedMap(map: SparseMapReader, bytes: Buffer, at: number): number {
    const length = map.feed(bytes, at, Math.min(bytes.length, at + this.#left))
    this.#left -= length
    if (map.pieces !== undefined) {
      checkSparseMap(map.pieces, this.#realSize, this.#left)
      this.#map = undefined
      this.#pieces = map.pieces
      this.#toPiece()
    }
    return length
  }

  /** Goes to the next piece that is not empty. */
  #toPiece(): void {
    let piece = this.#pieces[this.#nextPiece++]
    while (piece?.length === 0) piece = this.#pieces[this.#nextPiece++]
    if (piece === undefined) return
    if (piece.offset > this.#position) this.#sink?.skip(piece.offset - this.#position)
    this.#position = piece.offset
    this.#pieceLeft = piece.length
  }
}
