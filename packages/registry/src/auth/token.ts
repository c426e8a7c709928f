import { RegistryError } from '../errors.js'
import type { Connections, HttpRequest } from '../http/connections.js'
import { readBody, statusError } from '../http/read-body.js'
import { withRetries, type RetryOptions } from '../http/retry.js'
import { isObject } from '../manifest/json-shape.js'
import type { Credentials } from './credentials.js'

const maxTokenAnswerBytes = 256 * 1024
const defaultLifeMs = 60_000
const clientId = 'ctr'

/** A bearer token and when to ask for another. */
export interface Token {
  readonly value: string
  /** Milliseconds of `Date.now()`. */
  readonly expiresAt: number
  /** What later tokens are to be asked for with, when the token server gave one. */
  readonly refreshToken: string | undefined
}

/** What a token is asked for. */
export interface TokenRequest {
  readonly realm: URL
  readonly service: string | undefined
  /** Such as `repository:library/busybox:pull`. */
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
  /** Asks for a refresh token too, which a login keeps instead of the password. */
  readonly offline?: boolean | undefined
}

/**
 * Asks a token server for a bearer token: GET with basic authentication or none, or POST with an OAuth2
 * refresh token. Redirects are not followed, so that credentials stay with the realm.
 *
 * @see {@link https://distribution.github.io/distribution/spec/auth/token/}
 */
export async function fetchToken(
  connections: Connections,
  wanted: TokenRequest,
  retry: RetryOptions,
): Promise<Token> {
  const request = tokenRequest(wanted)
  return await withRetries(retry, undefined, async () => {
    const answer = await connections.exchange(request)
    if (answer.status !== 200) throw await statusError(answer, request.what)
    const body = await readBody(answer, request.what, maxTokenAnswerBytes)
    return readToken(body.toString('utf8'), request.what)
  })
}

function tokenRequest({ realm, service, scopes, credentials, offline = false }: TokenRequest): HttpRequest {
  const what = `get a token of ${realm.host}`
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: credentials.identityToken,
    })
    if (service !== undefined) form.set('service', service)
    if (scopes.length > 0) form.set('scope', scopes.join(' '))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { what, method: 'POST', url: realm, headers, body: Buffer.from(form.toString()) }
  }
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credentials === undefined || !('username' in credentials)) return { what, method: 'GET', url }
  url.searchParams.set('account', credentials.username)
  if (offline) {
    url.searchParams.set('client_id', clientId)
    url.searchParams.set('offline_token', 'true')
  }
  return { what, method: 'GET', url, headers: { authorization: basicHeader(credentials) } }
}

/** The `Authorization` header of RFC 7617. */
export function basicHeader({
  username,
  password,
}: {
  readonly username: string
  readonly password: string
}): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function readToken(text: string, what: string): Token {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined // said below; the text may hold a token, so it is not kept as a cause
  }
  const {
    token,
    access_token: accessToken,
    expires_in: lifeSeconds,
    refresh_token: refresh,
  } = isObject(json) ? json : {}
  const value = typeof token === 'string' && token !== '' ? token : accessToken
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError('ERR_REGISTRY_PROTOCOL', `cannot ${what}: the answer holds no token`)
  }
  const lifeMs = typeof lifeSeconds === 'number' && lifeSeconds > 0 ? lifeSeconds * 1000 : defaultLifeMs
  // our own clock from now on, and a tenth early, so that a token does not run out on its way
  const refreshToken = typeof refresh === 'string' && refresh !== '' ? refresh : undefined
  return { value, expiresAt: Date.now() + lifeMs * 0.9, refreshToken }
}
