import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Transport } from './outbox.js'

/** Where a {@link StreamTransport} leads. */
export type StreamTarget =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly tls?: ConnectionOptions }

/** How messages go over a connection. */
export interface StreamOptions {
  /** Messages as bytes of the stream. Default: one after the other. */
  readonly pack?: ((messages: readonly Buffer[]) => Buffer) | undefined
  /** Reads the answer to what was packed last; resolves with true when it is whole and right. */
  readonly isAnswer?: ((received: Buffer) => boolean) | undefined
  /** Milliseconds until a connection must be there, messages written, and an answer come. Default 10 s each. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds after which a connection is made anew. Default: never. */
  readonly mostAgeMs?: number | undefined
}

/** Messages over TCP, TLS or a unix socket. */
export class StreamTransport implements Transport {
  readonly #target: StreamTarget
  readonly #options: StreamOptions
  #socket: Socket | undefined
  #connectedAt = -Infinity

  constructor(target: StreamTarget, options: StreamOptions = {}) {
    this.#target = target
    this.#options = options
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const {
      pack = (parts: readonly Buffer[]) => Buffer.concat(parts),
      isAnswer,
      mostAgeMs = Infinity,
    } = this.#options
    if (performance.now() - this.#connectedAt > mostAgeMs) this.close()
    const socket = (this.#socket ??= await this.#connect())
    const bytes = pack(messages)
    await this.#within(socket, 'nobody takes what is sent', (done) => socket.write(bytes, () => done()))
    if (isAnswer === undefined) return
    let received: Buffer = Buffer.alloc(0)
    await this.#within(socket, 'no answer comes', (done) => {
      const onData = (chunk: Buffer): void => {
        received = Buffer.concat([received, chunk])
        if (received.length > 64 * 1024) socket.destroy(new Error('the answer is too long'))
        else if (isAnswer(received)) {
          socket.off('data', onData)
          done()
        }
      }
      socket.on('data', onData)
    })
  }

  close(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.end()
    socket?.unref()
  }

  async #connect(): Promise<Socket> {
    const target = this.#target
    const isTls = 'tls' in target
    const socket = isTls
      ? connectTls({ ...target.tls, host: target.host, port: target.port })
      : connectPlain(target)
    socket.on('error', () => socket.destroy())
    // who collects says nothing, or answers; that it has gone is to be seen before the next message
    socket
      .on('end', () => socket.destroy())
      .on('close', () => {
        if (this.#socket === socket) this.#socket = undefined
      })
    socket.resume()
    try {
      await this.#within(socket, 'nobody answers', (done) =>
        socket.once(isTls ? 'secureConnect' : 'connect', done),
      )
    } catch (error) {
      socket.destroy()
      throw error
    }
    this.#connectedAt = performance.now()
    return socket
  }

  /** Waits for something, for an error of the connection, or for the time to be over. */
  async #within(socket: Socket, otherwise: string, begin: (done: () => void) => void): Promise<void> {
    const { timeoutMs = 10_000 } = this.#options
    let stop: () => void = () => undefined
    try {
      await new Promise<void>((resolve, reject) => {
        let reason: Error | undefined
        const onError = (error: Error): void => void (reason = error)
        const onClose = (): void => reject(reason ?? new Error('the connection was closed'))
        const timer = setTimeout(
          () => socket.destroy(new Error(`${otherwise} for ${timeoutMs} ms`)),
          timeoutMs,
        )
        timer.unref()
        socket.on('error', onError).on('close', onClose)
        stop = () => {
          clearTimeout(timer)
          socket.off('error', onError).off('close', onClose)
        }
        if (socket.destroyed) onClose()
        begin(resolve)
      })
    } finally {
      stop()
    }
  }
}
