import { randomBytes } from 'node:crypto'
import type { LogBatch } from './entry.js'

/** Longest piece of a line in one entry, as Docker has it. */
const maxPiece = 16 * 1024

const newline = 10

/** What is cut off a stream: whole lines, or a piece of one. */
export type Cut = Pick<LogBatch, 'text' | 'part'>

/**
 * Cuts a stream where its lines end. Many lines stay together, so that a program that prints much costs little for each
 * of them; a line that is longer than 16 KiB becomes pieces, as in Docker.
 */
export class LineSplitter {
  /** The beginning of a line, shorter than a piece. */
  #rest: Buffer = Buffer.alloc(0)
  /** The line that pieces were cut off. */
  #long: { readonly id: string; ordinal: number } | undefined

  push(bytes: Buffer): Cut[] {
    const cuts: Cut[] = []
    let left = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    while (left.length > 0) {
      const length = this.#long === undefined ? wholeLines(left) : 0
      if (length > 0) {
        cuts.push({ text: left.toString('utf8', 0, length) })
        left = left.subarray(length)
        continue
      }
      const end = left.subarray(0, maxPiece + 1).indexOf(newline)
      if (end < 0 && left.length <= maxPiece) break
      const size = end < 0 ? maxPiece : end + 1
      cuts.push(this.#piece(left.toString('utf8', 0, size), end >= 0))
      left = left.subarray(size)
    }
    this.#rest = left.length === 0 ? left : Buffer.from(left) // the chunk's memory is large
    return cuts
  }

  /** The stream has ended: what is left of a line without an end. */
  flush(): Cut[] {
    const rest = this.#rest
    this.#rest = Buffer.alloc(0)
    const cuts = rest.length === 0 ? [] : [this.#piece(rest.toString('utf8'), false)]
    this.#long = undefined
    return cuts
  }

  #piece(text: string, last: boolean): Cut {
    const long = (this.#long ??= { id: randomBytes(32).toString('hex'), ordinal: 0 })
    if (last) this.#long = undefined
    return { text, part: { id: long.id, ordinal: ++long.ordinal, last } }
  }
}

/** Bytes of the lines at the beginning that are whole and not too long. */
function wholeLines(bytes: Buffer): number {
  let end = 0
  while (end < bytes.length) {
    // the farthest newline by which no line of this stretch can be too long
    const next = bytes.subarray(end, end + maxPiece + 1).lastIndexOf(newline)
    if (next < 0) return end
    end += next + 1
  }
  return end
}
