import { RegistryError } from '../errors.js'
import { hasherFor, parseDigest } from '../manifest/digest.js'
import { hashOfNode, type ContentHash, type MakeHash } from './content-hash.js'

/** What content must be like: the two members of a descriptor that are checked. */
export interface Expected {
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** Checks bytes, given one piece after the other, against a digest and a size. */
export class Verifier {
  readonly #expected: Expected
  #hash
  #size = 0

  constructor(expected: Expected) {
    this.#expected = expected
    this.#hash = hasherFor(expected.digest)
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size
  }

  /** Adds the next piece. Throws before the piece that would be too much is taken. */
  update(chunk: Uint8Array): void {
    const size = this.#size + chunk.byteLength
    if (size > this.#expected.size) throw sizeMismatch(this.#expected, `more than that came`)
    this.#hash.update(chunk)
    this.#size = size
  }

  /** Starts again from the first byte. */
  reset(): void {
    this.#hash = hasherFor(this.#expected.digest)
    this.#size = 0
  }

  /** Throws unless size and digest are the expected ones. Call it once, at the end. */
  finish(): void {
    if (this.#size !== this.#expected.size) throw sizeMismatch(this.#expected, `${this.#size} came`)
    checkHash(this.#expected, this.#hash.digest('hex'))
  }
}

/** Does the same for bytes whose hash somebody else may compute meanwhile, on another thread. */
export class StreamVerifier implements Disposable {
  readonly #expected: Expected
  readonly #makeHash: MakeHash
  #hash: ContentHash
  #size = 0

  /** @param sha256 - Makes the hash for digests of SHA-256. */
  constructor(expected: Expected, sha256: MakeHash) {
    this.#expected = expected
    const { algorithm } = parseDigest(expected.digest)
    this.#makeHash = algorithm === 'sha256' ? sha256 : () => hashOfNode(algorithm)
    this.#hash = this.#makeHash()
  }

  /** Bytes seen so far, those that are being hashed among them. */
  get size(): number {
    return this.#size
  }

  /**
   * Adds the next piece, whose bytes must stay as they are until what this returns resolves. Throws at once before the
   * piece that would be too much is taken.
   */
  update(chunk: Uint8Array): void | Promise<void> {
    const size = this.#size + chunk.byteLength
    if (size > this.#expected.size) throw sizeMismatch(this.#expected, `more than that came`)
    this.#size = size
    return this.#hash.update(chunk)
  }

  /** Starts again from the first byte. */
  reset(): void {
    this.#hash[Symbol.dispose]()
    this.#hash = this.#makeHash()
    this.#size = 0
  }

  /** Throws unless size and digest are the expected ones. Call it once, at the end. */
  finish(): void {
    if (this.#size !== this.#expected.size) throw sizeMismatch(this.#expected, `${this.#size} came`)
    checkHash(this.#expected, this.#hash.digest())
  }

  /** Gives up. Idempotent. */
  [Symbol.dispose](): void {
    this.#hash[Symbol.dispose]()
  }
}

function checkHash({ digest }: Expected, hex: string): void {
  const found = `${parseDigest(digest).algorithm}:${hex}`
  if (found === digest) return
  throw new RegistryError(
    'ERR_REGISTRY_DIGEST_MISMATCH',
    `cannot use content ${digest}: what came has digest ${found}`,
  )
}

/** Passes bytes on and checks them: too many are never passed on, and wrong ones end in an error. */
export async function* verified<T extends Uint8Array>(
  source: AsyncIterable<T>,
  expected: Expected,
): AsyncGenerator<T, void> {
  const verifier = new Verifier(expected)
  for await (const chunk of source) {
    verifier.update(chunk)
    yield chunk
  }
  verifier.finish()
}

/** An error that says how many bytes there should be. */
export function sizeMismatch({ digest, size }: Expected, found: string): RegistryError {
  return new RegistryError(
    'ERR_REGISTRY_SIZE_MISMATCH',
    `cannot use content ${digest}: its descriptor says ${size} bytes, ${found}`,
  )
}
