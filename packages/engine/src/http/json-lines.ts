import type { FastifyReply } from 'fastify'
import { toApiError } from '../errors.js'

/** An answer of JSON objects, one after the other, that are sent as they come. */
export class JsonLines {
  readonly #reply: FastifyReply
  readonly #closed = new AbortController()

  /** Sends status and headers at once. */
  constructor(reply: FastifyReply, type = 'application/json') {
    reply.hijack()
    reply.raw.writeHead(200, { 'Content-Type': type })
    reply.raw.flushHeaders()
    reply.raw.on('close', () => this.#closed.abort())
    reply.raw.on('error', () => this.#closed.abort())
    this.#reply = reply
  }

  /** Aborts when the client goes away. */
  get signal(): AbortSignal {
    return this.#closed.signal
  }

  /** Resolves when there is room for more. */
  async send(value: unknown): Promise<void> {
    const { raw } = this.#reply
    if (this.signal.aborted || raw.write(jsonLine(value))) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        raw.off('drain', done).off('close', done)
        resolve()
      }
      raw.on('drain', done).on('close', done)
    })
  }

  /** The same for whoever cannot wait. */
  post(value: unknown): void {
    this.postLine(jsonLine(value))
  }

  /** Posts what `jsonLine` made. */
  postLine(line: Buffer): void {
    if (!this.signal.aborted) this.#reply.raw.write(line)
  }

  /** Does the work, and tells of its failure in Docker's way: the status was sent long ago. */
  async during(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const { message } = toApiError(error)
      await this.send({ errorDetail: { message }, error: message })
    } finally {
      this.#reply.raw.end()
    }
  }
}

/** A line of such an answer. */
export function jsonLine(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\r\n`)
}
