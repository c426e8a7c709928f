import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { PasswordCredentials } from '../auth/credentials.js'
import { ApiError } from './api-error.js'
import type { Htpasswd } from './htpasswd.js'

/** So many passwords are remembered as right, and so many wait to be hashed: bcrypt is slow on purpose. */
const maxRemembered = 1000
const maxWaiting = 32

/** Lets requests pass that carry a user's name and password (RFC 7617). */
export class BasicAuth {
  readonly #users: readonly PasswordCredentials[]
  readonly #file: Htpasswd | undefined
  readonly #key = randomBytes(32)
  /** By name and password, keyed: the hash that they were right for. */
  readonly #remembered = new Map<string, string>()
  #line = Promise.resolve()
  #waiting = 0

  constructor(users: readonly PasswordCredentials[], file: Htpasswd | undefined) {
    this.#users = users
    this.#file = file
  }

  /** Throws the answer 401 when a request has no user's name and password. */
  async check({ headers }: Pick<IncomingMessage, 'headers'>): Promise<void> {
    const [scheme = '', encoded = ''] = (headers.authorization ?? '').split(' ')
    const given = scheme.toLowerCase() === 'basic' ? Buffer.from(encoded, 'base64').toString('utf8') : ''
    const colon = given.indexOf(':')
    if (colon > 0 && (this.#isUser(given) || (await this.#isInFile(given, colon)))) return
    throw new ApiError(401, 'UNAUTHORIZED', 'authentication required', {
      'www-authenticate': 'Basic realm="registry"',
    })
  }

  /** All users are compared, each in constant time: how long it takes tells nothing. */
  #isUser(given: string): boolean {
    const hash = this.#hash(given)
    const fitting = this.#users.filter(({ username, password }) =>
      timingSafeEqual(hash, this.#hash(`${username}:${password}`)),
    )
    return fitting.length > 0
  }

  async #isInFile(given: string, colon: number): Promise<boolean> {
    if (this.#file === undefined) return false
    const { known, decoy } = await this.#file.hashOf(given.slice(0, colon))
    const key = this.#hash(given).toString('base64')
    if (known !== undefined && this.#remembered.get(key) === known) return true
    // a name that nobody has takes as long as a wrong password
    const isRight = await this.#compare(given.slice(colon + 1), known ?? decoy)
    if (!isRight || known === undefined) return false
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
    this.#remembered.set(key, known)
    return true
  }

  /** One at a time: guesses of many clients must not take the time of those who are known. */
  async #compare(password: string, hash: string | undefined): Promise<boolean> {
    if (hash === undefined) return false
    if (this.#waiting >= maxWaiting)
      throw new ApiError(429, 'TOOMANYREQUESTS', 'too many passwords to check', { 'retry-after': '1' })
    this.#waiting++
    const { compare } = await import('bcryptjs')
    const result = this.#line.then(() => compare(password, hash))
    this.#line = result.then(
      () => undefined,
      () => undefined,
    )
    try {
      return await result
    } finally {
      this.#waiting--
    }
  }

  #hash(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}
