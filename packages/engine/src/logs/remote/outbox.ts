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

/** What an {@link Outbox} sends, and how patiently. */
export interface OutboxOptions {
  /** Who collects the logs, for messages of errors. */
  readonly name: string
  readonly transport: Transport
  readonly onError: (error: unknown) => void
  /** Bytes that wait while the other side is slow or away. Default 1 MiB. */
  readonly mostBytes?: number | undefined
  /** Messages that wait then. Default: as many as there is room for. */
  readonly mostMessages?: number | undefined
  /** What the transport is given at once; a single larger message all the same. Default 64 KiB, any number. */
  readonly atOnce?: { readonly bytes: number; readonly messages: number } | undefined
  /** Milliseconds to wait for more, unless there is as much as goes at once. Default: none. */
  readonly gatherMs?: number | undefined
  /** Milliseconds before the first try again; each further one waits longer, up to 10 s. Default 1 s. */
  readonly retryMs?: number | undefined
  /** Tries again after which messages are given up. Default: no end. */
  readonly mostRetries?: number | undefined
}

const mostRetryMs = 10_000
/** How long a container that has ended is remembered by a log that is away. */
const graceMs = 10_000

/**
 * Sends messages to somebody else, in order. While that one is slow who writes waits, as long as messages go through;
 * when nobody is there messages wait, so many, and what comes beyond is lost and reported. A container never stops for
 * it, and its end does not wait for it: what is left is sent within 10 seconds after it.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #mostBytes: number
  readonly #mostMessages: number
  readonly #atOnce: { readonly bytes: number; readonly messages: number }
  readonly #waiting: Buffer[] = []
  #size = 0
  #lost = 0
  #isDown = false
  #work: Promise<void> | undefined
  #room: (() => void)[] = []
  /** When what is left is given up, of a container that has ended. */
  #giveUpAt = Infinity
  /** Ends a pause. */
  #goOn: (() => void) | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#mostBytes = options.mostBytes ?? 1024 * 1024
    this.#mostMessages = options.mostMessages ?? Infinity
    this.#atOnce = options.atOnce ?? { bytes: 64 * 1024, messages: Infinity }
  }

  /**
   * Takes messages. Never throws: what cannot be sent is reported, and lost.
   *
   * @returns Undefined, or what to wait for before the next ones.
   */
  take(messages: readonly Buffer[]): Promise<void> | undefined {
    this.#giveUpAt = Infinity
    for (const message of messages) {
      const isBeyond =
        this.#size + message.length > this.#mostBytes || this.#waiting.length >= this.#mostMessages
      if (this.#isDown && isBeyond) this.#lost++
      else {
        this.#waiting.push(message)
        this.#size += message.length
      }
    }
    if (this.#waiting.length > 0) this.#work ??= this.#sendAll()
    if (this.#isDown) return undefined
    if (this.#hasEnough()) this.#goOn?.()
    if (this.#size < this.#mostBytes && this.#waiting.length < this.#mostMessages) return undefined
    return new Promise((resolve) => this.#room.push(resolve))
  }

  /** A run has ended: what waits is sent now. It may be given more. */
  end(): void {
    this.#giveUpAt = performance.now() + graceMs
    this.#goOn?.()
    if (this.#work === undefined) this.#options.transport.close()
  }

  async #sendAll(): Promise<void> {
    const { transport, retryMs = 1000, gatherMs, mostRetries = Infinity } = this.#options
    let retries = 0
    let delayMs = retryMs
    while (this.#waiting.length > 0) {
      if (gatherMs !== undefined && !this.#isDown && !this.#hasEnough() && this.#giveUpAt === Infinity)
        await this.#pause(gatherMs)
      const messages = this.#next()
      try {
        await transport.send(messages)
        this.#remove(messages)
        this.#isUp()
        retries = 0
        delayMs = retryMs
      } catch (error) {
        transport.close()
        this.#isAway(error)
        if (retries++ >= mostRetries) this.#lose(messages)
        else if (performance.now() >= this.#giveUpAt) this.#lose(this.#waiting)
        else await this.#pause(delayMs)
        delayMs = Math.min(delayMs * 2, mostRetryMs)
      }
      for (const resolve of this.#room.splice(0)) resolve()
    }
    this.#work = undefined
    if (this.#giveUpAt !== Infinity) transport.close()
  }

  /** Whether what waits is as much as goes at once. */
  #hasEnough(): boolean {
    return (
      this.#size >= Math.min(this.#atOnce.bytes, this.#mostBytes) ||
      this.#waiting.length >= Math.min(this.#atOnce.messages, this.#mostMessages)
    )
  }

  #next(): Buffer[] {
    const { bytes, messages } = this.#atOnce
    let count = 0
    for (let size = 0; count < this.#waiting.length && count < messages; count++) {
      size += this.#waiting[count]!.length
      if (size > bytes && count > 0) break
    }
    return this.#waiting.slice(0, count)
  }

  #remove(messages: readonly Buffer[]): void {
    this.#size -= messages.reduce((sum, { length }) => sum + length, 0)
    this.#waiting.splice(0, messages.length)
  }

  #lose(messages: readonly Buffer[]): void {
    this.#lost += messages.length
    this.#remove(messages)
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

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref() // a daemon that ends does not wait for who is away
      this.#goOn = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#goOn = undefined
  }
}
