import {
  request as httpRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { abortError, throwIfAborted } from '../abort.js'
import { isRegistryError, messageOf, RegistryError } from '../errors.js'
import { Certificates, type CertificateOptions } from './certificates.js'
import { inPieces, type PieceQueue } from './piece-queue.js'
import { isPlainHttp, type Insecure } from './plain-http.js'
import { environmentProxies, proxyAuthorization, proxyFor, type ProxySettings } from './proxy.js'
import { TunnelAgent } from './tunnel-agent.js'
import { bodyFromSocket, WideReadsAgent } from './wide-reads-agent.js'

/** How other machines are reached. */
export interface ConnectionOptions extends CertificateOptions {
  /**
   * Registries whose certificates are not checked, and that are spoken to over plain HTTP where they do not
   * speak TLS. Default: this machine itself only.
   */
  readonly insecure?: Insecure | undefined
  /** How long the other side may stay silent, in milliseconds. Default 60,000; 1 to 3,600,000. */
  readonly idleTimeoutMs?: number | undefined
  /** Proxies; `{}` for none. Default `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment. */
  readonly proxy?: ProxySettings | undefined
}

/** One HTTP request. `body` is made anew for every attempt. */
export interface HttpRequest {
  /** What is being done, for errors: `cannot <what>: …`. */
  readonly what: string
  readonly method: string
  readonly url: URL
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array | (() => Readable) | undefined
  readonly signal?: AbortSignal | undefined
}

/** The head of an answer, and its body still on the wire: read it to the end or {@link HttpAnswer.discard} it. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The address that answered. */
  readonly url: URL
  /** The bytes as they come. Stalls, resets and aborts are errors of this iteration. */
  readonly body: AsyncIterable<Buffer>
  /** The same in large pieces, in place of `body`. Each stays as it is until the next one is asked for. */
  readonly pieces: AsyncIterable<Buffer>
  /** Drops the body. A large one that was not read to its end takes the connection with it. */
  discard(): void
}

/** Reading from a socket stops where so many bytes wait, rather than after each piece as by default. */
const highWaterMark = 256 * 1024

const agentOptions = { keepAlive: true, maxSockets: 32, maxFreeSockets: 8, highWaterMark }

/** A discarded body of at most this size is read rather than its connection dropped. */
const maxDrainedBytes = 64 * 1024

/** Kept-alive connections of one client, over HTTP and HTTPS. */
export class Connections {
  readonly #http: WideReadsAgent
  readonly #https: HttpsAgent
  readonly #tunnels = new Map<string, TunnelAgent>()
  readonly #idleTimeoutMs: number
  readonly #insecure: Insecure | undefined
  readonly #certificates: Certificates
  readonly #proxy: ProxySettings

  constructor({
    insecure,
    idleTimeoutMs = 60_000,
    proxy = environmentProxies(),
    ...certificates
  }: ConnectionOptions) {
    this.#http = new WideReadsAgent(agentOptions)
    this.#https = new HttpsAgent(agentOptions)
    this.#idleTimeoutMs = idleTimeoutMs
    this.#insecure = insecure
    this.#certificates = new Certificates(certificates)
    this.#proxy = proxy
  }

  /** Sends one request and gives the head of its answer. Redirects, statuses and retries are the caller's. */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    throwIfAborted(request.signal)
    const idleTimeoutMs = this.#idleTimeoutMs
    const outgoing = this.#start(request)
    outgoing.on('timeout', () => outgoing.destroy(stalled(request.what, idleTimeoutMs)))
    const onAbort = (): void => void outgoing.destroy(abortError(request.signal!))
    request.signal?.addEventListener('abort', onAbort, { once: true })
    const release = (): void => request.signal?.removeEventListener('abort', onAbort)
    outgoing.once('close', release)
    const incoming = await answered(outgoing, request)
    outgoing.setTimeout(0) // from here on, time counts only while we wait for bytes: see `read`
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      url: request.url,
      body: { [Symbol.asyncIterator]: () => read(incoming, request, idleTimeoutMs) },
      pieces: { [Symbol.asyncIterator]: () => readPieces(incoming, request, idleTimeoutMs) },
      discard: () => {
        incoming.on('error', () => undefined)
        const isSmall =
          request.method === 'HEAD' ||
          Number(incoming.headers['content-length'] ?? Infinity) <= maxDrainedBytes
        if (!isSmall || incoming.destroyed || incoming.readableFlowing !== null)
          return void incoming.destroy()
        outgoing.setTimeout(idleTimeoutMs)
        incoming.resume() // keeps the connection for the next request
      },
    }
  }

  /** Closes all connections. */
  close(): void {
    for (const agent of [this.#http, this.#https, ...this.#tunnels.values()]) agent.destroy()
  }

  #start({ method, url, headers = {} }: HttpRequest): ClientRequest {
    const options = { method, headers, timeout: this.#idleTimeoutMs }
    const proxy = proxyFor(url, this.#proxy)
    if (url.protocol === 'https:') {
      const agent = proxy === undefined ? this.#https : this.#tunnel(proxy)
      const secureContext = this.#certificates.contextOf(url)
      // whose authority we know, that is checked, wherever it is
      const rejectUnauthorized = secureContext !== undefined || !isPlainHttp(url.host, this.#insecure)
      return httpsRequest(url, {
        ...options,
        agent,
        rejectUnauthorized,
        ...(secureContext && { secureContext }),
      })
    }
    if (proxy === undefined) return httpRequest(url, { ...options, agent: this.#http })
    const viaTls = proxy.protocol === 'https:'
    return (viaTls ? httpsRequest : httpRequest)(new URL(proxy.origin), {
      ...options,
      agent: viaTls ? this.#https : this.#http,
      path: url.href,
      headers: { ...headers, host: url.host, ...proxyAuthorization(proxy) },
    })
  }

  #tunnel(proxy: URL): TunnelAgent {
    let agent = this.#tunnels.get(proxy.href)
    if (agent === undefined) {
      agent = new TunnelAgent(proxy, this.#idleTimeoutMs, agentOptions)
      this.#tunnels.set(proxy.href, agent)
    }
    return agent
  }
}

/** Sends the body and waits for the head of the answer, which may come before the body is sent. */
async function answered(
  outgoing: ClientRequest,
  { what, body, signal }: HttpRequest,
): Promise<IncomingMessage> {
  const source = typeof body === 'function' ? body() : undefined
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.on('error', reject) // stays: an early answer may be followed by a broken pipe
      if (source === undefined) outgoing.end(body)
      else {
        source.once('error', reject)
        source.pipe(outgoing)
      }
    })
  } catch (error) {
    outgoing.destroy()
    throw translate(error, what, signal)
  } finally {
    source?.on('error', () => undefined).destroy()
  }
}

async function* read(
  incoming: IncomingMessage,
  request: HttpRequest,
  idleTimeoutMs: number,
): AsyncGenerator<Buffer, void> {
  let isWaiting = true
  const timer = setTimeout(() => {
    if (isWaiting) incoming.destroy(stalled(request.what, idleTimeoutMs))
    else timer.refresh()
  }, idleTimeoutMs)
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      isWaiting = false
      yield chunk
      isWaiting = true
      timer.refresh()
    }
  } catch (error) {
    throw translate(error, request.what, request.signal)
  } finally {
    clearTimeout(timer)
  }
}

async function* readPieces(
  incoming: IncomingMessage,
  request: HttpRequest,
  idleTimeoutMs: number,
): AsyncGenerator<Buffer, void> {
  const length = incoming.headers['content-length']
  let queue: PieceQueue | undefined
  const timer = setTimeout(() => {
    if (queue?.isWaiting === true) incoming.destroy(stalled(request.what, idleTimeoutMs))
    else timer.refresh()
  }, idleTimeoutMs)
  if (length !== undefined) queue = bodyFromSocket(incoming, Number(length), () => timer.refresh())
  try {
    for await (const piece of queue ?? inPieces(read(incoming, request, idleTimeoutMs))) {
      yield piece
      timer.refresh()
    }
  } catch (error) {
    throw translate(error, request.what, request.signal)
  } finally {
    clearTimeout(timer)
  }
}

function stalled(what: string, idleTimeoutMs: number): RegistryError {
  return new RegistryError('ERR_REGISTRY_TIMEOUT', `cannot ${what}: no byte came for ${idleTimeoutMs} ms`)
}

/** Errors of Node become ours; ours and aborts stay what they are. */
function translate(error: unknown, what: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return abortError(signal)
  if (isRegistryError(error)) return error
  return new RegistryError(
    'ERR_REGISTRY_CONNECTION',
    `cannot ${what}: ${messageOf(error) || 'the connection broke'}`,
    { cause: error },
  )
}
