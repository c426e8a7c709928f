import { linesOf, type LogBatch, type LogSink } from '../entry.js'

/** A way to somebody who collects logs. */
export interface Transport {
  /**
   * Connects where that is needed, and sends.
   *
   * @returns Resolves when the messages were taken; rejects when the other side is not there, or is silent for too long.
   */
  send(messages: readonly Buffer[]): Promise<void>
  /** Ends the connection. It is made again by the next messages. Idempotent. */
  close(): void
}

/** What a {@link RemoteSink} sends, and how patiently. */
export interface RemoteOptions {
  /** Who collects the logs, for messages of errors. */
  readonly name: string
  readonly transport: Transport
  /** A line as a message; undefined for one that is not sent. */
  readonly encode: (line: string, batch: LogBatch) => Buffer | undefined
  readonly onError: (error: unknown) => void
  /** Bytes that wait while the other side is slow or away. Default 1 MiB. */
  readonly mostBytes?: number | undefined
  /** Milliseconds before the first try again; each further one waits longer, up to 10 s. Default 1 s. */
  readonly retryMs?: number | undefined
  /** Tries again after which messages are given up. Default: no end. */
  readonly mostRetries?: number | undefined
}

const mostRetryMs = 10_000
/** How long a container that has ended is remembered by a log that is away. */
const graceMs = 10_000
const mostAtOnce = 64 * 1024

/**
 * Sends output to somebody else. While that one is slow the container waits, as long as messages go through; when nobody
 * is there messages wait, so many, and what comes beyond is lost and reported. A container never stops for it, and its
 * end does not wait for it: what is left is sent within 10 seconds after it.
 */
export class RemoteSink implements LogSink {
  readonly #options: RemoteOptions
  readonly #waiting: Buffer[] = []
  #size = 0
  #lost = 0
  #isDown = false
  #work: Promise<void> | undefined
  #room: (() => void)[] = []
  /** When what is left is given up, of a container that has ended. */
  #giveUpAt = Infinity
  #tryNow: (() => void) | undefined

  constructor(options: RemoteOptions) {
    this.#options = options
  }

  write(batch: LogBatch): Promise<void> | undefined {
    this.#giveUpAt = Infinity
    const { mostBytes = 1024 * 1024, encode } = this.#options
    for (const line of linesOf(batch)) {
      const message = encode(line, batch)
      if (message === undefined) continue
      if (this.#isDown && this.#size + message.length > mostBytes) this.#lost++
      else {
        this.#waiting.push(message)
        this.#size += message.length
      }
    }
    if (this.#waiting.length > 0) this.#work ??= this.#sendAll()
    if (this.#isDown || this.#size < mostBytes) return undefined
    return new Promise((resolve) => this.#room.push(resolve))
  }

  end(): Promise<void> {
    this.#giveUpAt = performance.now() + graceMs
    this.#tryNow?.()
    if (this.#work === undefined) this.#options.transport.close()
    return Promise.resolve()
  }

  async #sendAll(): Promise<void> {
    const { transport, retryMs = 1000, mostRetries = Infinity } = this.#options
    let retries = 0
    let delayMs = retryMs
    while (this.#waiting.length > 0) {
      const messages = this.#next()
      try {
        await transport.send(messages)
        this.#take(messages)
        this.#isUp()
        retries = 0
        delayMs = retryMs
      } catch (error) {
        transport.close()
        this.#isAway(error)
        if (retries++ >= mostRetries) this.#lose(messages)
        else if (performance.now() >= this.#giveUpAt) this.#lose(this.#waiting)
        else await this.#retryAfter(delayMs)
        delayMs = Math.min(delayMs * 2, mostRetryMs)
      }
      for (const resolve of this.#room.splice(0)) resolve()
    }
    this.#work = undefined
    if (this.#giveUpAt !== Infinity) transport.close()
  }

  #next(): Buffer[] {
    let count = 0
    for (let size = 0; count < this.#waiting.length && size < mostAtOnce; count++)
      size += this.#waiting[count]!.length
    return this.#waiting.slice(0, count)
  }

  #take(messages: readonly Buffer[]): void {
    this.#size -= messages.reduce((sum, { length }) => sum + length, 0)
    this.#waiting.splice(0, messages.length)
  }

  #lose(messages: readonly Buffer[]): void {
    this.#lost += messages.length
    this.#take(messages)
    if (this.#waiting.length === 0) this.#reportLoss()
  }

  #isUp(): void {
    if (this.#isDown) this.#reportLoss()
    this.#isDown = false
  }

  #reportLoss(): void {
    if (this.#lost === 0) return
    this.#options.onError(new Error(`${this.#options.name} was away: ${this.#lost} lines are lost`))
    this.#lost = 0
  }

  #isAway(error: unknown): void {
    if (!this.#isDown)
      this.#options.onError(
        new Error(`cannot send logs to ${this.#options.name}: they wait, and are lost when too many do`, {
          cause: error,
        }),
      )
    this.#isDown = true
  }

  async #retryAfter(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      timer.unref() // a daemon that ends does not wait for who is away
      this.#tryNow = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#tryNow = undefined
  }
}
