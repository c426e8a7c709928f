import type { StreamName } from '../streams/frame.js'

/** Which piece of a line that is too long for one entry. */
export interface PartOfLine {
  /** The same of all pieces of the line. */
  readonly id: string
  /** From 1. */
  readonly ordinal: number
  readonly last: boolean
}

/** Output of one stream that came at once, cut where lines end. */
export interface LogBatch {
  readonly stream: StreamName
  /** In RFC 3339 with nanoseconds. */
  readonly time: string
  /** Whole lines, each with its newline; or one piece of a line, of which only the last has a newline. */
  readonly text: string
  /** Of a piece of a line. */
  readonly part?: PartOfLine | undefined
}

/** An entry of a log: a line with its newline, or a piece of one. */
export interface LogLine {
  readonly log: string
  readonly stream: StreamName
  readonly time: string
}

/** What to read of a log. */
export interface LogQuery {
  readonly streams: ReadonlySet<StreamName>
  readonly follow: boolean
  /** Only the last so many entries; undefined for all. */
  readonly tail: number | undefined
  /** Nanoseconds since 1970. */
  readonly since: bigint
  /** Nanoseconds since 1970; 0 for no end. */
  readonly until: bigint
}

/** Where output goes. */
export interface LogSink {
  /**
   * Takes a batch. Never throws: what cannot be written is reported, and lost.
   *
   * @returns Undefined, or what to wait for before the next one.
   */
  write(batch: LogBatch): Promise<unknown> | undefined
  /** A run has ended: resolves when everything was written or given up. It may be written to again. */
  end(): Promise<void>
}

/** The lines of a batch without their newlines. */
export function linesOf({ text }: LogBatch): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}
