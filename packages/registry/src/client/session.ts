import type { OutgoingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { raceAbort } from '../abort.js'
import { Authorizer } from '../auth/authorizer.js'
import type { CredentialSource } from '../auth/credentials.js'
import type { Connections, HttpAnswer } from '../http/connections.js'
import { errnoOf, isRegistryError } from '../errors.js'
import { follow } from '../http/follow.js'
import { isPlainHttp, registryOrigin, type Insecure } from '../http/plain-http.js'
import { statusError } from '../http/read-body.js'
import { withRetries, type RetryOptions } from '../http/retry.js'

/** What a {@link Session} works with. */
export interface SessionOptions {
  readonly connections: Connections
  readonly credentials: CredentialSource | undefined
  readonly insecure: Insecure | undefined
  readonly retry: RetryOptions
  readonly userAgent: string
  /** Asks for a refresh token too, as a login does. */
  readonly offline?: boolean | undefined
}

/** One call of a registry's API. */
export interface Call {
  /** For errors: `cannot <what>: …`. */
  readonly what: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A path below the registry's origin, or an upload location that it gave. */
  readonly target: string | URL
  /** Token scopes that the call needs. */
  readonly scopes: readonly string[]
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array | (() => Readable) | undefined
  /** Statuses that are answers; others are errors. */
  readonly expect: readonly number[]
  readonly signal?: AbortSignal | undefined
}

/** Calls to one registry: authorized, redirected, and repeated when they fail for the moment. */
export class Session {
  readonly #registry: string
  readonly #options: SessionOptions
  readonly #authorizer: Authorizer
  #origin: Promise<URL> | undefined

  constructor(registry: string, options: SessionOptions) {
    this.#registry = registry
    this.#options = options
    this.#authorizer = new Authorizer({ registry, ...options, origin: () => this.origin(undefined) })
  }

  /** How calls are repeated. */
  get retry(): RetryOptions {
    return this.#options.retry
  }

  /**
   * The registry's origin. Those that may be spoken to over plain HTTP are asked once whether they speak TLS,
   * which is taken when it is there.
   */
  async origin(signal: AbortSignal | undefined): Promise<URL> {
    this.#origin ??= this.#findOrigin() // for all who wait, so no one's signal ends it
    const origin = this.#origin
    try {
      return await raceAbort(origin, signal)
    } catch (error) {
      if (signal?.aborted !== true && this.#origin === origin) this.#origin = undefined
      throw error
    }
  }

  /** The refresh token that the registry's token server gave for the credentials, if it did. */
  get identityToken(): string | undefined {
    return this.#authorizer.identityToken
  }

  /** Makes a call and repeats it after failures of the moment. */
  async call(call: Call): Promise<HttpAnswer> {
    return await withRetries(this.#options.retry, call.signal, () => this.once(call))
  }

  /** Makes a call without repeating it, except once after a 401 that taught something. */
  async once(call: Call): Promise<HttpAnswer> {
    const { scopes, signal } = call
    const home = await this.origin(signal)
    const sent = await this.#authorizer.header(scopes, signal)
    const answer = await this.#attempt(call, home, sent)
    if (answer.status !== 401 || answer.url.origin !== home.origin) return await this.#expected(call, answer)
    if (!(await this.#authorizer.learn(answer.headers['www-authenticate'], scopes, sent))) {
      return await this.#expected(call, answer)
    }
    answer.discard()
    const authorization = await this.#authorizer.header(scopes, signal)
    return await this.#expected(call, await this.#attempt(call, home, authorization))
  }

  async #attempt(
    { what, method, target, headers, body, signal }: Call,
    home: URL,
    authorization: string | undefined,
  ): Promise<HttpAnswer> {
    const { connections, insecure, userAgent } = this.#options
    const url = new URL(target, home)
    const request = { what, method, url, headers: { 'user-agent': userAgent, ...headers }, body, signal }
    return await follow(connections, { ...request, authorization, home }, insecure)
  }

  async #findOrigin(): Promise<URL> {
    const { connections, insecure } = this.#options
    const secure = registryOrigin(this.#registry, 'https')
    if (!isPlainHttp(this.#registry, insecure)) return secure
    try {
      const what = `reach registry ${this.#registry}`
      const answer = await connections.exchange({
        what,
        method: 'HEAD',
        url: new URL('/v2/', secure),
      })
      answer.discard()
      return secure
    } catch (error) {
      if (!isRegistryError(error) || error.code !== 'ERR_REGISTRY_CONNECTION') throw error
      // nobody is there now: whoever comes may speak TLS
      if (errnoOf(error.cause) === 'ECONNREFUSED') this.#origin = undefined
      return registryOrigin(this.#registry, 'http')
    }
  }

  async #expected({ what, expect }: Call, answer: HttpAnswer): Promise<HttpAnswer> {
    if (expect.includes(answer.status)) return answer
    throw await statusError(answer, what)
  }
}

/** The token scope of work on a repository (distribution token scope documentation). */
export function repositoryScope(
  repository: string,
  ...actions: readonly ('pull' | 'push' | 'delete')[]
): string {
  return `repository:${repository}:${actions.join(',')}`
}
