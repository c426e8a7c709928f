import { createHash, type Hash } from 'node:crypto'
import { LinuxError } from './errors.js'
import { native } from './native.js'
import { onPool } from './pool.js'

/** Hashing fewer bytes takes less time than another thread takes to begin. */
const worthwhile = 64 * 1024

/** OpenSSL, which Node.js itself hashes with. Pointers are numbers. */
interface OpenSsl {
  readonly make: () => number
  readonly algorithm: () => number
  readonly begin: (context: number, algorithm: number, engine: number) => number
  readonly update: (context: number, bytes: Uint8Array, length: number) => number
  readonly updateOnPool: {
    async(context: number, address: number, length: number, done: Done): void
  }
  readonly end: (context: number, digest: Uint8Array, length: null) => number
  readonly free: (context: number) => void
}

type Done = (error: Error | null, result: number) => void

/**
 * SHA-256 of bytes that come piece by piece. Large pieces are hashed on a thread of libuv's pool, where `node:crypto`
 * would hold up the event loop; the result is the same.
 */
export class Sha256 implements Disposable {
  /** Undefined where Node.js does not show its OpenSSL to others. */
  readonly #openSsl: OpenSsl | undefined
  readonly #hash: Hash | undefined
  #context = 0
  #running: Promise<number> | undefined

  constructor() {
    this.#openSsl = openSsl()
    if (this.#openSsl === undefined) {
      this.#hash = createHash('sha256')
      return
    }
    this.#context = this.#openSsl.make()
    const isBegun =
      this.#context !== 0 && this.#openSsl.begin(this.#context, this.#openSsl.algorithm(), 0) === 1
    if (!isBegun) this[Symbol.dispose]()
    check(isBegun)
  }

  /** Takes the next bytes, which must stay as they are, and here, until this resolves. One call at a time. */
  async update(bytes: Uint8Array): Promise<void> {
    if (this.#openSsl === undefined) {
      this.#hash!.update(bytes)
      return
    }
    const { update, updateOnPool } = this.#openSsl
    const context = this.#open
    const { byteLength } = bytes
    if (byteLength < worthwhile) {
      check(update(context, bytes, byteLength))
      return
    }
    this.#running = onPool((done) => updateOnPool.async(context, native().addressOf(bytes), byteLength, done))
    try {
      // asked of the bytes afterwards, so that V8 keeps them until then
      check((await this.#running) === 1 && bytes.byteLength === byteLength)
    } finally {
      this.#running = undefined
    }
  }

  /** The hash of all bytes, in hexadecimal digits. Ends it. */
  digest(): string {
    if (this.#openSsl === undefined) return this.#hash!.digest('hex')
    const digest = Buffer.alloc(32)
    check(this.#openSsl.end(this.#open, digest, null))
    this[Symbol.dispose]()
    return digest.toString('hex')
  }

  /** Gives its memory back, once no thread uses it any more. Idempotent. */
  [Symbol.dispose](): void {
    const context = this.#context
    this.#context = 0
    if (context === 0) return
    const free = (): void => this.#openSsl?.free(context)
    if (this.#running === undefined) free()
    else this.#running.then(free, free)
  }

  get #open(): number {
    if (this.#context !== 0 && this.#running === undefined) return this.#context
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      `cannot go on with a hash: ${this.#context === 0 ? 'it has ended' : 'the piece before is not through'}`,
    )
  }
}

let loaded: { readonly openSsl: OpenSsl | undefined } | undefined

function openSsl(): OpenSsl | undefined {
  loaded ??= { openSsl: load() }
  return loaded.openSsl
}

function load(): OpenSsl | undefined {
  const { koffi } = native()
  const node = koffi.load(null)
  const find = (result: string, name: string, ...parameters: string[]): unknown =>
    node.func(name, result, parameters)
  try {
    return {
      make: find('intptr_t', 'EVP_MD_CTX_new'),
      algorithm: find('intptr_t', 'EVP_sha256'),
      begin: find('int', 'EVP_DigestInit_ex', 'intptr_t', 'intptr_t', 'intptr_t'),
      update: find('int', 'EVP_DigestUpdate', 'intptr_t', 'const uint8_t *', 'size_t'),
      updateOnPool: find('int', 'EVP_DigestUpdate', 'intptr_t', 'intptr_t', 'size_t'),
      end: find('int', 'EVP_DigestFinal_ex', 'intptr_t', '_Out_ uint8_t *', 'void *'),
      free: find('void', 'EVP_MD_CTX_free', 'intptr_t'),
    } as OpenSsl
  } catch {
    return undefined // there are none of that name
  }
}

function check(result: number | boolean): void {
  if (result === 1 || result === true) return
  throw new LinuxError('ERR_LINUX_UNSUPPORTED', 'cannot hash: OpenSSL refuses SHA-256')
}
