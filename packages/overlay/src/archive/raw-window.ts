import { OverlayError } from '../errors.js'

/** More header bytes than this before one entry, and the archive is refused: a real one has a few kilobytes. */
const mostHeaderBytes = 16 * 2 ** 20

/**
 * The last bytes of a stream, by offset. The archive reader looks at them again for what tar-stream does not
 * hand out as bytes: PAX records and the end marker.
 */
export class RawWindow {
  #chunks: Uint8Array[] = []
  /** Offset of the first byte that is kept. */
  #start = 0
  /** Offset behind the last byte that was seen. */
  #end = 0
  /** Nothing before this offset is asked for again. */
  #needed = 0

  /** Sees the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    this.#end += chunk.length
    this.#chunks.push(chunk)
    this.#drop()
    if (this.#end - this.#needed > mostHeaderBytes + chunk.length) {
      throw new OverlayError(
        'ERR_OVERLAY_ARCHIVE',
        `cannot read the archive: more than ${mostHeaderBytes} bytes of headers or padding before one entry`,
      )
    }
  }

  /** Declares that nothing before `offset` is asked for again; it may lie ahead. */
  forget(offset: number): void {
    this.#needed = offset
    this.#drop()
  }

  /** The bytes from `start` to `end`, which must have been seen and not forgotten. */
  slice(start: number, end: number): Uint8Array {
    const parts: Uint8Array[] = []
    let at = this.#start
    for (const chunk of this.#chunks) {
      const from = Math.max(start - at, 0)
      const to = Math.min(end - at, chunk.length)
      if (from < to) parts.push(chunk.subarray(from, to))
      at += chunk.length
      if (at >= end) break
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  #drop(): void {
    let count = 0
    for (const chunk of this.#chunks) {
      if (this.#start + chunk.length > this.#needed) break
      this.#start += chunk.length
      count += 1
    }
    if (count > 0) this.#chunks.splice(0, count)
  }
}
