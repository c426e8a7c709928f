import { RegistryError } from '../errors.js'
import type { Connections, HttpAnswer, HttpRequest } from './connections.js'
import { checkNextAddress, type Insecure } from './plain-http.js'

const maxRedirects = 6
const redirects = new Set([301, 302, 303, 307, 308])

/** A request with the credentials for one origin. */
export interface AuthorizedRequest extends HttpRequest {
  /** Sent to {@link AuthorizedRequest.home} and to no other origin. */
  readonly authorization?: string | undefined
  /** The registry's own origin (scheme, host and port). */
  readonly home: URL
}

/**
 * Sends a request and follows its redirects, at most six, when it has no body on a stream. `Authorization`
 * goes to the registry's own origin only, and never again once a redirect has left it.
 */
export async function follow(
  connections: Connections,
  { authorization, home, ...request }: AuthorizedRequest,
  insecure: Insecure | undefined,
): Promise<HttpAnswer> {
  let url = request.url
  let isAtHome = true
  for (let hops = 0; ; hops++) {
    isAtHome &&= url.origin === home.origin
    const headers = {
      ...request.headers,
      ...(isAtHome && authorization !== undefined ? { authorization } : {}),
    }
    const answer = await connections.exchange({ ...request, url, headers })
    const { location } = answer.headers
    if (!redirects.has(answer.status) || location === undefined) return answer
    answer.discard()
    if (hops === maxRedirects) {
      throw new RegistryError(
        'ERR_REGISTRY_PROTOCOL',
        `cannot ${request.what}: more than ${maxRedirects} redirects`,
      )
    }
    if (typeof request.body === 'function' || !['GET', 'HEAD'].includes(request.method)) {
      throw new RegistryError(
        'ERR_REGISTRY_PROTOCOL',
        `cannot ${request.what}: a ${request.method} was redirected`,
      )
    }
    const next = nextAddress(request.what, location, url)
    checkNextAddress(request.what, url, next, insecure)
    url = next
  }
}

/** Resolves a `Location` header. */
export function nextAddress(what: string, location: string, base: URL): URL {
  try {
    const url = new URL(location, base)
    url.username = ''
    url.password = ''
    url.hash = ''
    return url
  } catch (cause) {
    throw new RegistryError('ERR_REGISTRY_PROTOCOL', `cannot ${what}: the Location header is no address`, {
      cause,
    })
  }
}
