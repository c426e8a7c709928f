import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RegistryError } from '../errors.js'
import { exchangeOf, type Exchange } from './exchange.js'

/** What a server shows to its clients, and asks of them. PEM texts. */
export interface ServerTls {
  /** The server's certificate, with those between it and its authority. */
  readonly cert: string | Buffer
  /** The certificate's private key. */
  readonly key: string | Buffer
  /** Authorities of clients. When given, only clients with a certificate of one of these are served. */
  readonly clientCa?: string | Buffer | undefined
}

/** Bounds of a {@link Listener}. */
export interface ListenerOptions {
  /** How long a connection may be silent, in milliseconds. */
  readonly connectionIdleMs: number
  readonly maxConnections: number
  readonly tls: ServerTls | undefined
}

/** How a server is closed. */
export interface CloseOptions {
  /** So long requests under way may take to end, in milliseconds. Default 0. */
  readonly graceMs?: number | undefined
  /** Ends that time when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** How long a client may take to send the head of a request. */
const headMs = 30_000

/** Takes connections, and knows which requests are under way. */
export class Listener {
  readonly #server: Server
  readonly #running = new Set<Promise<void>>()
  #isClosing = false

  constructor(options: ListenerOptions, handle: (exchange: Exchange) => Promise<void>) {
    this.#server = serverFor(options)
    this.#server.maxConnections = options.maxConnections
    this.#server.setTimeout(options.connectionIdleMs)
    const run = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void => {
      if (this.#isClosing) response.setHeader('connection', 'close')
      const work = handle(exchangeOf(request, response, awaitsContinue)).finally(() => {
        this.#running.delete(work)
      })
      this.#running.add(work)
    }
    this.#server.on('request', (request, response) => run(request, response, false))
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      run(request, response, true),
    )
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
        { cause },
      )
    })
  }

  /**
   * Stops listening, gives the requests under way some time, and ends what is left.
   *
   * @param giveUp - Ends what requests may still wait for.
   */
  async close({ graceMs = 0, signal }: CloseOptions, giveUp: () => Promise<void>): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const over = new AbortController()
    const hurry = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
    await Promise.race([
      Promise.all(this.#running),
      sleep(graceMs, undefined, { signal: hurry, ref: false }).catch(() => undefined), // no need to wait
    ])
    over.abort()
    this.#server.closeAllConnections()
    await closed
    await giveUp()
    await Promise.all(this.#running)
  }
}

function serverFor({ tls }: ListenerOptions): Server {
  // a body may take as long as it takes, as long as something comes
  const bounds = { requestTimeout: 0, headersTimeout: headMs, keepAliveTimeout: 30_000 }
  if (tls === undefined) return createServer(bounds)
  const { cert, key, clientCa } = tls
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
  try {
    return createSecureServer({
      ...bounds,
      ...clients,
      cert,
      key,
      minVersion: 'TLSv1.2',
      handshakeTimeout: headMs,
    })
  } catch (cause) {
    throw new RegistryError(
      'ERR_REGISTRY_INVALID_ARG',
      `cannot serve TLS with this key and certificate: ${messageOf(cause)}`,
      { cause },
    )
  }
}
