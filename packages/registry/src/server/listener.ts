import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf, RegistryError } from '../errors.js'
import { exchangeOf, type Exchange } from './exchange.js'

/** Bounds of a {@link Listener}. */
export interface ListenerOptions {
  /** How long a connection may be silent, in milliseconds. */
  readonly connectionIdleMs: number
}

/** How long a client may take to send the head of a request. */
const headMs = 30_000

/** Takes connections, and knows which requests are under way. */
export class Listener {
  readonly #server: Server
  readonly #running = new Set<Promise<void>>()

  constructor({ connectionIdleMs }: ListenerOptions, handle: (exchange: Exchange) => Promise<void>) {
    // a body may take as long as it takes, as long as something comes
    this.#server = createServer({ requestTimeout: 0, headersTimeout: headMs, keepAliveTimeout: 30_000 })
    const run = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void => {
      const work = handle(exchangeOf(request, response, awaitsContinue)).finally(() => {
        this.#running.delete(work)
      })
      this.#running.add(work)
    }
    this.#server.on('request', (request, response) => run(request, response, false))
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      run(request, response, true),
    )
    this.#server.setTimeout(connectionIdleMs)
  }

  /** Where it listens: `127.0.0.1:43521`. */
  get address(): string {
    const { address, port, family } = this.#server.address() as AddressInfo
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
  }

  /** Begins to listen. */
  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    }).catch((cause: unknown) => {
      throw new RegistryError(
        'ERR_REGISTRY_IO',
        `cannot listen on ${host} port ${port}: ${messageOf(cause)}`,
        {
          cause,
        },
      )
    })
  }

  /** Stops listening, ends all connections, and waits for the end of all requests. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
    await Promise.all(this.#running)
  }
}
