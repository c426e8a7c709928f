import { spawn } from 'node:child_process'
import { errnoOf, messageOf, RegistryError } from '../errors.js'
import { isObject } from '../manifest/json-shape.js'
import type { Credentials, IdentityTokenCredentials, PasswordCredentials } from './credentials.js'

/** A helper may have to ask its user for a passphrase first. */
const timeoutMs = 120_000
/** The most that a helper may print. */
const maxOutputBytes = 1024 ** 2
/** The user name that stands for an identity token. */
const tokenUser = '<token>'
/** What helpers print for a server that they do not know. */
const unknownServer = /credentials not found/i

/**
 * A program of the user's own, named in Docker's configuration, that keeps credentials in a keychain:
 * `docker-credential-NAME`. It is the only program that this package ever starts.
 *
 * @see {@link https://github.com/docker/docker-credential-helpers#development}
 */
export class CredentialHelper {
  /** `NAME` of `docker-credential-NAME`. */
  readonly name: string

  /** @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: not a name, but perhaps a path. */
  constructor(name: string) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name)) {
      throw new RegistryError(
        'ERR_REGISTRY_CREDENTIALS',
        `cannot use credential helper ${JSON.stringify(name.slice(0, 200))}: its name must be letters, digits, ".", "_" and "-"`,
      )
    }
    this.name = name
  }

  /** What is stored for a server; `undefined` for nothing. */
  async get(server: string): Promise<Credentials | undefined> {
    const output = await this.#run('get', server)
    if (output === undefined) return undefined
    let json: unknown
    try {
      json = JSON.parse(output)
    } catch {
      json = undefined // the parser's message quotes the secret
    }
    const { Username: username, Secret: secret } = isObject(json) ? json : {}
    if (typeof username !== 'string' || typeof secret !== 'string') {
      throw this.#failed('get', server, 'its answer holds no Username and Secret')
    }
    if (username === '' && secret === '') return undefined
    return username === tokenUser ? { identityToken: secret } : { username, password: secret }
  }

  /** Stores credentials for a server. */
  async store(server: string, credentials: PasswordCredentials | IdentityTokenCredentials): Promise<void> {
    const [Username, Secret] =
      'identityToken' in credentials
        ? [tokenUser, credentials.identityToken]
        : [credentials.username, credentials.password]
    await this.#run('store', server, JSON.stringify({ ServerURL: server, Username, Secret }))
  }

  /** Forgets a server. True when something was stored, as far as the helper tells. */
  async erase(server: string): Promise<boolean> {
    return (await this.#run('erase', server)) !== undefined
  }

  /** Output of a run; `undefined` when the helper does not know the server. */
  async #run(action: 'get' | 'store' | 'erase', server: string, input = server): Promise<string | undefined> {
    const { code, output } = await this.#start(action, server, input)
    if (code === 0) return output
    if (unknownServer.test(output)) return undefined
    const said = action === 'get' ? output.trim().slice(0, 300) : '' // of a store it may be the secret
    // eslint-disable-next-line no-control-regex -- control characters are what must go
    const shown = said.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
    throw this.#failed(action, server, `it ended with ${code}${shown === '' ? '' : `: ${shown}`}`)
  }

  async #start(
    action: string,
    server: string,
    input: string,
  ): Promise<{ readonly code: number | string; readonly output: string }> {
    return await new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let length = 0
      // helpers ask for passphrases by programs or terminals of their own; what they complain is shown
      const child = spawn(`docker-credential-${this.name}`, [action], {
        env: process.env,
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const giveUp = (reason: string): void => {
        child.kill('SIGKILL')
        child.stdout.destroy() // a child of its own may hold it open
        reject(this.#failed(action, server, reason))
      }
      const timer = setTimeout(() => giveUp(`it has not ended after ${timeoutMs / 1000} s`), timeoutMs)
      child.once('error', (error) => {
        clearTimeout(timer)
        const reason =
          errnoOf(error) === 'ENOENT'
            ? 'it is not in PATH; install it, or take it out of credsStore and credHelpers'
            : messageOf(error)
        reject(this.#failed(action, server, reason, error))
      })
      child.stdout.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxOutputBytes) giveUp(`it printed more than ${maxOutputBytes} bytes`)
        else chunks.push(chunk)
      })
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        resolve({ code: code ?? signal ?? 'nothing', output: Buffer.concat(chunks).toString('utf8') })
      })
      child.stdin.on('error', () => undefined) // one that does not read says so by its exit code
      child.stdin.end(input)
    })
  }

  #failed(action: string, server: string, reason: string, cause?: unknown): RegistryError {
    return new RegistryError(
      'ERR_REGISTRY_CREDENTIALS',
      `cannot ${action} the credentials of ${server} by docker-credential-${this.name}: ${reason}`,
      { cause },
    )
  }
}
