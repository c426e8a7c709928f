import type { BoundedPattern } from '../bounded-pattern.js'
import { linesOf, type LogBatch } from '../entry.js'

/** Output that belongs together: a line, or several. */
export interface LogEvent {
  /** Of its first line. */
  readonly time: string
  readonly text: string
}

interface OpenEvent {
  readonly time: string
  text: string
  bytes: number
  /** When it was begun, by the clock that only counts. */
  readonly since: number
}

/**
 * Makes events of lines: puts pieces of a long line together again and, with a pattern, the lines that follow one that
 * matches it. Each stream has its own events.
 */
export class EventJoiner {
  readonly #mostBytes: number
  #pattern: BoundedPattern | undefined
  readonly #open = new Map<string, OpenEvent>()
  /** Streams whose last line has not ended. */
  readonly #inLine = new Set<string>()

  /**
   * @param mostBytes - Of an event. It must have room for a piece of a line.
   * @param pattern - Of lines that an event begins with; without one each line is an event, and so it is from the first
   *   time on that trying it takes too long.
   */
  constructor(mostBytes: number, pattern?: BoundedPattern) {
    this.#mostBytes = mostBytes
    this.#pattern = pattern
  }

  /** Whether output waits for what belongs to it. */
  get isHolding(): boolean {
    return this.#open.size > 0
  }

  /** @returns Events that have come to their ends by this. */
  add(batch: LogBatch): LogEvent[] {
    const lines = linesOf(batch)
    const begins = this.#pattern?.matches(lines)
    if (begins !== undefined) return lines.flatMap((line, at) => this.#addLine(line, begins[at]!, batch))
    const held = this.#pattern === undefined ? [] : this.flush()
    this.#pattern = undefined
    return [...held, ...lines.flatMap((line) => this.#addLine(line, true, batch))]
  }

  /** Ends events that were begun at least so many milliseconds ago. */
  flush(ageMs = 0): LogEvent[] {
    const latest = performance.now() - ageMs
    return [...this.#open].flatMap(([stream, { since }]) => (since <= latest ? this.#end(stream) : []))
  }

  #addLine(line: string, matches: boolean, { stream, time, part }: LogBatch): LogEvent[] {
    const pattern = this.#pattern
    const goesOn = this.#inLine.has(stream)
    const isWhole = part?.last ?? true
    if (isWhole) this.#inLine.delete(stream)
    else this.#inLine.add(stream)
    const text = isWhole && pattern !== undefined ? `${line}\n` : line
    const bytes = Buffer.byteLength(text)
    const open = this.#open.get(stream)
    const begins = !goesOn && matches
    const isTooMuch = open !== undefined && open.bytes + bytes > this.#mostBytes
    const ended = begins || isTooMuch ? this.#end(stream) : []
    const event = this.#open.get(stream) ?? { time, text: '', bytes: 0, since: performance.now() }
    event.text += text
    event.bytes += bytes
    this.#open.set(stream, event)
    return isWhole && pattern === undefined ? [...ended, ...this.#end(stream)] : ended
  }

  #end(stream: string): LogEvent[] {
    const event = this.#open.get(stream)
    this.#open.delete(stream)
    return event === undefined || event.text === '' ? [] : [{ time: event.time, text: event.text }]
  }
}
