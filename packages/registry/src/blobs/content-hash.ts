import { createHash } from 'node:crypto'
import type { DigestAlgorithm } from '../manifest/digest.js'

/** A running hash. `Sha256` of `@ctr/linux` is one, which hashes on threads beside the event loop. */
export interface ContentHash extends Disposable {
  /** Takes the next bytes, which stay as they are until this resolves. One call at a time. */
  update(bytes: Uint8Array): void | Promise<void>
  /** Of all bytes, in lower-case hexadecimal digits. Ends it. */
  digest(): string
}

/** Begins a hash. */
export type MakeHash = () => ContentHash

/** The hash of Node.js, which the event loop waits for. */
export function hashOfNode(algorithm: DigestAlgorithm): ContentHash {
  const hash = createHash(algorithm)
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest('hex'),
    [Symbol.dispose]: () => undefined,
  }
}
