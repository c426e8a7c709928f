import type { LogBatch, LogSink } from './entry.js'

/**
 * Between a container and a log that may be slow: keeps so many bytes, and loses what comes while they are full
 * (`mode=non-blocking`). The container never waits.
 */
export class NonBlocking implements LogSink {
  readonly #sink: LogSink
  readonly #mostBytes: number
  readonly #onError: (error: unknown) => void
  readonly #waiting: LogBatch[] = []
  #size = 0
  #lost = 0
  #work: Promise<void> | undefined

  constructor(sink: LogSink, mostBytes: number, onError: (error: unknown) => void) {
    this.#sink = sink
    this.#mostBytes = mostBytes
    this.#onError = onError
  }

  write(batch: LogBatch): undefined {
    // one batch is always taken, as in Docker, or it would be lost however long it waited
    if (this.#size > 0 && this.#size + batch.text.length > this.#mostBytes) {
      this.#lost += batch.text.length
      return
    }
    this.#waiting.push(batch)
    this.#size += batch.text.length
    this.#work ??= this.#pass()
  }

  async end(): Promise<void> {
    await this.#work
    await this.#sink.end()
    if (this.#lost > 0)
      this.#onError(new Error(`the log was slower than the container: ${this.#lost} characters are lost`))
    this.#lost = 0
  }

  async #pass(): Promise<void> {
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
      await this.#sink.write(batch)
      this.#size -= batch.text.length
    }
    this.#work = undefined
  }
}
