import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { PasswordCredentials } from '../auth/credentials.js'
import { ApiError } from './api-error.js'

/** Lets a request pass when it carries one of the users' name and password (RFC 7617). */
export function checkBasicAuth(request: IncomingMessage, users: readonly PasswordCredentials[]): void {
  const [scheme = '', encoded = ''] = (request.headers.authorization ?? '').split(' ')
  const given = scheme.toLowerCase() === 'basic' ? Buffer.from(encoded, 'base64').toString('utf8') : ''
  // all users are compared, each in constant time: how long it takes tells nothing
  const fitting = users.filter(({ username, password }) => isSame(given, `${username}:${password}`))
  if (fitting.length > 0) return
  throw new ApiError(401, 'UNAUTHORIZED', 'authentication required', {
    'www-authenticate': 'Basic realm="registry"',
  })
}

function isSame(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
