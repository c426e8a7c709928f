import { request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest, type AgentOptions, type RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { proxyAuthorization } from './proxy.js'

/**
 * Kept-alive HTTPS connections through a proxy, by `CONNECT`. What the proxy itself answers is an error and
 * never taken for an answer of the other side: it has not shown a certificate of that name.
 */
export class TunnelAgent extends Agent {
  readonly #proxy: URL
  readonly #timeoutMs: number

  /** @param timeoutMs - How long the proxy may take to connect, in milliseconds. */
  constructor(proxy: URL, timeoutMs: number, options: AgentOptions) {
    super(options)
    this.#proxy = proxy
    this.#timeoutMs = timeoutMs
  }

  // called by Node's `Agent` for every new connection
  override createConnection(
    options: RequestOptions,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const fail = (error: Error): void => callback(error, undefined as never) // Node ignores the socket then
    const target = `${options.host ?? ''}:${options.port ?? 443}`
    const start = this.#proxy.protocol === 'https:' ? httpsRequest : httpRequest
    const request = start({
      host: this.#proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: this.#proxy.port === '' ? (this.#proxy.protocol === 'https:' ? 443 : 80) : this.#proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      agent: false,
      timeout: this.#timeoutMs,
    })
    const refused = (answer: string): void => {
      request.destroy()
      fail(new Error(`proxy ${this.#proxy.host} ${answer}`))
    }
    request.once('error', (error) =>
      fail(new Error(`proxy ${this.#proxy.host}: ${error.message}`, { cause: error })),
    )
    request.once('timeout', () => refused(`has not connected after ${this.#timeoutMs} ms`))
    request.once('response', ({ statusCode }) => refused(`answered ${statusCode ?? 0}`))
    request.once('connect', ({ statusCode }, socket, head) => {
      socket.setTimeout(0)
      if (statusCode !== 200 || head.length > 0) {
        socket.destroy()
        refused(statusCode === 200 ? 'sent more than its answer' : `answered ${statusCode ?? 0}`)
        return
      }
      const { host, port: _, path: __, ...tls } = options as RequestOptions & { readonly host: string }
      callback(null, connect({ ...tls, servername: options.servername ?? host, socket }))
    })
    request.end()
    return undefined
  }
}
