import { linesOf, type LogBatch, type LogSink } from '../entry.js'
import { Outbox, type OutboxOptions } from './outbox.js'

/** What a {@link RemoteSink} sends, and how patiently. */
export interface RemoteOptions extends OutboxOptions {
  /** A line as a message; undefined for one that is not sent. */
  readonly encode: (line: string, batch: LogBatch) => Buffer | undefined
}

/** Sends output to somebody else, a message a line, as an {@link Outbox} does. */
export class RemoteSink implements LogSink {
  readonly #outbox: Outbox
  readonly #encode: RemoteOptions['encode']

  constructor(options: RemoteOptions) {
    this.#outbox = new Outbox(options)
    this.#encode = options.encode
  }

  write(batch: LogBatch): Promise<void> | undefined {
    return this.#outbox.take(linesOf(batch).flatMap((line) => this.#encode(line, batch) ?? []))
  }

  end(): Promise<void> {
    this.#outbox.end()
    return Promise.resolve()
  }
}
