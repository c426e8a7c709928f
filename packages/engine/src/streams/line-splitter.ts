import type { StreamName } from './frame.js'

/** Longest piece of a line in one entry, as Docker has it. */
const maxPiece = 16 * 1024

/** Cuts a stream into the lines that a log has. */
export class LineSplitter {
  readonly stream: StreamName
  #rest: Buffer[] = []
  #size = 0

  constructor(stream: StreamName) {
    this.stream = stream
  }

  /** Whole lines, with their ends, and pieces of lines that are too long. */
  push(bytes: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    while (start < bytes.length) {
      const newline = bytes.indexOf(10, start)
      const end = Math.min(newline < 0 ? bytes.length : newline + 1, start + maxPiece - this.#size)
      this.#rest.push(bytes.subarray(start, end))
      this.#size += end - start
      start = end
      if (end === newline + 1 || this.#size >= maxPiece) lines.push(...this.flush())
    }
    // the chunk's memory may be used again for the next one
    this.#rest = this.#rest.map((part) => Buffer.from(part))
    return lines
  }

  /** What is left of a line without an end. */
  flush(): string[] {
    if (this.#size === 0) return []
    const text = Buffer.concat(this.#rest).toString('utf8')
    this.#rest = []
    this.#size = 0
    return [text]
  }
}
