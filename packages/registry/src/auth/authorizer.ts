import { raceAbort } from '../abort.js'
import { RegistryError } from '../errors.js'
import type { Connections } from '../http/connections.js'
import { checkNextAddress, type Insecure } from '../http/plain-http.js'
import type { RetryOptions } from '../http/retry.js'
import { parseChallenges, type Challenge } from './challenge.js'
import type { Credentials, CredentialSource } from './credentials.js'
import { readDockerCredentials } from './docker-config.js'
import { basicHeader, fetchToken, type Token } from './token.js'

const maxTokens = 256

/** What an {@link Authorizer} works with. */
export interface AuthorizerOptions {
  readonly registry: string
  /** The registry's own address. */
  readonly origin: () => Promise<URL>
  readonly connections: Connections
  readonly credentials: CredentialSource | undefined
  readonly insecure: Insecure | undefined
  readonly retry: RetryOptions
  /** Asks for a refresh token too: see {@link Authorizer.identityToken}. */
  readonly offline?: boolean | undefined
}

/**
 * Makes the `Authorization` headers for one registry. Learns from the registry's first 401 which scheme
 * it wants, and looks credentials up only then; keeps tokens by scope until they run out.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions
  #scheme: Challenge | undefined
  #credentials: Promise<Credentials | undefined> | undefined
  readonly #tokens = new Map<string, Promise<Token>>()
  /** The newest refresh token that the token server gave. */
  #refreshToken: string | undefined

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** The header for a request that needs `scopes`, as far as is known by now. */
  async header(scopes: readonly string[], signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#scheme === undefined) return undefined
    const credentials = await this.#lookUp()
    if (credentials !== undefined && 'registryToken' in credentials)
      return `Bearer ${credentials.registryToken}`
    if (this.#scheme.scheme === 'basic') {
      return credentials !== undefined && 'username' in credentials ? basicHeader(credentials) : undefined
    }
    const token = await raceAbort(this.#token(this.#scheme, scopes), signal)
    return `Bearer ${token.value}`
  }

  /** The refresh token that stands for the credentials from now on; `undefined` when the token server gave none. */
  get identityToken(): string | undefined {
    return this.#refreshToken
  }

  /**
   * Learns from a 401.
   *
   * @param wwwAuthenticate - The header of the registry's own answer, never of one behind a redirect.
   * @param sent - The header that was refused.
   * @returns True when {@link Authorizer.header} now has something new to offer.
   */
  async learn(
    wwwAuthenticate: string | undefined,
    scopes: readonly string[],
    sent: string | undefined,
  ): Promise<boolean> {
    const challenges = parseChallenges(wwwAuthenticate ?? '')
    const credentials = await this.#lookUp()
    if (credentials !== undefined && 'registryToken' in credentials) {
      this.#scheme = { scheme: 'bearer', parameters: {} }
      return sent === undefined
    }
    const chosen =
      challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters['realm'] !== undefined) ??
      challenges.find(
        ({ scheme }) => scheme === 'basic' && credentials !== undefined && 'username' in credentials,
      )
    if (chosen === undefined) return false
    this.#scheme = chosen
    this.#tokens.delete(keyOf(scopes, chosen))
    return true
  }

  async #token(challenge: Challenge, scopes: readonly string[]): Promise<Token> {
    const key = keyOf(scopes, challenge)
    const known = this.#tokens.get(key)
    if (known !== undefined && (await known).expiresAt > Date.now()) return await known
    if (this.#tokens.get(key) !== known) return await this.#token(challenge, scopes) // somebody else was faster
    const fetched = this.#fetch(challenge, scopes)
    this.#tokens.set(key, fetched)
    fetched.catch(() => {
      if (this.#tokens.get(key) === fetched) this.#tokens.delete(key)
    })
    const oldest = this.#tokens.keys().next()
    if (this.#tokens.size > maxTokens && oldest.done !== true) this.#tokens.delete(oldest.value)
    return await fetched
  }

  async #fetch({ parameters }: Challenge, scopes: readonly string[]): Promise<Token> {
    const { registry, origin, connections, insecure, retry, offline } = this.#options
    const what = `log in to ${registry}`
    let realm: URL
    try {
      realm = new URL(parameters['realm'] ?? '')
    } catch (cause) {
      throw new RegistryError(
        'ERR_REGISTRY_PROTOCOL',
        `cannot ${what}: the realm of its token server is no address`,
        { cause },
      )
    }
    checkNextAddress(what, await origin(), realm, insecure)
    const asked = scopes.length > 0 ? scopes : (parameters['scope']?.split(' ') ?? [])
    const known = await this.#lookUp()
    const isIdentity = known !== undefined && 'identityToken' in known
    // a server may replace the identity token whenever it is used
    const credentials =
      isIdentity && this.#refreshToken !== undefined ? { identityToken: this.#refreshToken } : known
    const token = await fetchToken(
      connections,
      { realm, service: parameters['service'], scopes: asked, credentials, offline },
      retry,
    )
    this.#refreshToken = token.refreshToken ?? this.#refreshToken
    return token
  }

  async #lookUp(): Promise<Credentials | undefined> {
    this.#credentials ??= lookUp(this.#options.credentials, this.#options.registry)
    return await this.#credentials
  }
}

async function lookUp(
  source: CredentialSource | undefined,
  registry: string,
): Promise<Credentials | undefined> {
  if (source === 'anonymous') return undefined
  if (source === undefined) return await readDockerCredentials(registry)
  return typeof source === 'function' ? await source(registry) : source
}

function keyOf(scopes: readonly string[], { parameters }: Challenge): string {
  return JSON.stringify([parameters['realm'], parameters['service'], ...scopes])
}
