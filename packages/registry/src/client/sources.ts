import type { CredentialSource } from '../auth/credentials.js'
import { isRegistryError, type RegistryErrorCode } from '../errors.js'
import type { Connections } from '../http/connections.js'
import type { Insecure } from '../http/plain-http.js'
import type { RetryOptions } from '../http/retry.js'
import { parseRegistry } from '../reference/parse-reference.js'
import { Session } from './session.js'

/** Mirrors by registry, such as `{ 'docker.io': ['mirror.example', '10.0.0.5:5000'] }`, in the order they are tried. */
export type Mirrors = Readonly<Record<string, readonly string[]>>

/** What {@link Sources} work with. */
export interface SourceOptions extends RetryOptions {
  readonly credentials?: CredentialSource | undefined
  readonly insecure?: Insecure | undefined
  readonly mirrors?: Mirrors | undefined
  readonly userAgent?: string | undefined
}

/** A mirror that does not answer is left alone for so long. */
const downMs = 60_000
/** Failures of this machine and of the caller, which another source does not cure. */
const ownFailures = new Set<RegistryErrorCode>([
  'ERR_REGISTRY_IO',
  'ERR_REGISTRY_STORE',
  'ERR_REGISTRY_INVALID_ARG',
])
const unanswered = new Set<RegistryErrorCode>([
  'ERR_REGISTRY_TIMEOUT',
  'ERR_REGISTRY_CONNECTION',
  'ERR_REGISTRY_RATE_LIMITED',
])

/** The sessions of a client: one for each registry, and one for each mirror of it. */
export class Sources {
  readonly #connections: Connections
  readonly #options: SourceOptions
  readonly #mirrors: ReadonlyMap<string, readonly string[]>
  readonly #sessions = new Map<string, Session>()
  readonly #downUntil = new Map<string, number>()

  /** @throws {@link RegistryError} `ERR_REGISTRY_INVALID_REFERENCE`: a mirror is no `host[:port]`. */
  constructor(connections: Connections, options: SourceOptions) {
    this.#connections = connections
    this.#options = options
    const entries = Object.entries(options.mirrors ?? {})
    this.#mirrors = new Map(entries.map(([name, hosts]) => [parseRegistry(name), hosts.map(parseRegistry)]))
  }

  /** The session of a registry itself. */
  of(registry: string): Session {
    return this.#session(registry, registry, this.#options.credentials, this.#options)
  }

  /**
   * Reads from the registry's mirrors, in their order, and from itself when none of them gives it. Credentials
   * given for the registry are not used for a mirror: it has those that are stored for its own name, or that a
   * function gives for it, and is sent them only when it asks.
   */
  async read<T>(registry: string, work: (session: Session) => Promise<T>): Promise<T> {
    for (const mirror of this.#mirrors.get(registry) ?? []) {
      if ((this.#downUntil.get(mirror) ?? -Infinity) > performance.now()) continue
      const { credentials } = this.#options
      const own = typeof credentials === 'object' ? 'anonymous' : credentials
      try {
        // there are other sources: nobody waits for this one to come to itself
        return await work(this.#session(`mirror ${mirror}`, mirror, own, { ...this.#options, retries: 0 }))
      } catch (error) {
        if (!isRegistryError(error) || ownFailures.has(error.code)) throw error
        if (unanswered.has(error.code)) this.#downUntil.set(mirror, performance.now() + downMs)
      }
    }
    return await work(this.of(registry))
  }

  #session(
    key: string,
    host: string,
    credentials: CredentialSource | undefined,
    retry: RetryOptions,
  ): Session {
    let session = this.#sessions.get(key)
    if (session === undefined) {
      const { insecure, userAgent = 'ctr' } = this.#options
      session = new Session(host, { connections: this.#connections, credentials, insecure, retry, userAgent })
      this.#sessions.set(key, session)
    }
    return session
  }
}
