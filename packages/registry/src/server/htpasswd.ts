import { readFile, stat } from 'node:fs/promises'
import { io } from '../blobs/durable.js'
import { RegistryError } from '../errors.js'

/** How often the file is looked at, at most. */
const lookMs = 1000

/** A file of `name:hash` lines, as `htpasswd -B` writes it, read again when it changes. */
export class Htpasswd {
  readonly #path: string
  #hashes: ReadonlyMap<string, string> = new Map()
  #state = ''
  #lookedAt = -Infinity

  private constructor(path: string) {
    this.#path = path
  }

  /** @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: a line is not a name and a bcrypt hash. */
  static async open(path: string): Promise<Htpasswd> {
    const file = new Htpasswd(path)
    await file.#look()
    return file
  }

  /** A user's bcrypt hash, and the hash of somebody else to compare with when there is no such user. */
  async hashOf(
    username: string,
  ): Promise<{ readonly known: string | undefined; readonly decoy: string | undefined }> {
    if (performance.now() - this.#lookedAt > lookMs) await this.#look()
    const [decoy] = this.#hashes.values()
    return { known: this.#hashes.get(username), decoy }
  }

  async #look(): Promise<void> {
    this.#lookedAt = performance.now()
    const { mtimeMs, size, ino } = await io(`read ${this.#path}`, () => stat(this.#path))
    const state = `${mtimeMs} ${size} ${ino}`
    if (state === this.#state) return
    this.#hashes = parseHtpasswd(
      await io(`read ${this.#path}`, () => readFile(this.#path, 'utf8')),
      this.#path,
    )
    this.#state = state
  }
}

/** Reads an htpasswd file. Only bcrypt is taken: the other schemes are quick to guess. */
export function parseHtpasswd(text: string, path: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  for (const [n, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const match = /^([^:]+):(\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53})\s*$/.exec(line)
    if (match === null) {
      throw new RegistryError(
        'ERR_REGISTRY_CREDENTIALS',
        `cannot read ${path}: line ${n + 1} must be a name, a colon and a bcrypt hash, as "htpasswd -B" writes it`,
      )
    }
    hashes.set(match[1]!, match[2]!)
  }
  return hashes
}
