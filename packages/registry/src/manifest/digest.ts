import { createHash, type Hash } from 'node:crypto'
import { RegistryError } from '../errors.js'

/** Hash functions that name content (image-spec, "Registered Algorithms"), with the hex digits of each. */
const hexLength = { sha256: 64, sha512: 128 } as const

/** A hash function that may name content. */
export type DigestAlgorithm = keyof typeof hexLength

/** A digest taken apart. `hex` is lower case and of the right length, so both are safe in a path. */
export interface ParsedDigest {
  readonly algorithm: DigestAlgorithm
  readonly hex: string
}

/**
 * Takes a digest such as `sha256:e3b0…` apart. Every path in a store is made from its result, never from
 * a digest as it came.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_INVALID_DIGEST`: neither `sha256:` with 64 nor `sha512:` with
 *   128 lower-case hex digits.
 * @see {@link https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests}
 */
export function parseDigest(digest: string): ParsedDigest {
  const colon = digest.indexOf(':')
  const algorithm = digest.slice(0, Math.max(colon, 0))
  const hex = digest.slice(colon + 1)
  if (isAlgorithm(algorithm) && hex.length === hexLength[algorithm] && /^[0-9a-f]+$/.test(hex)) {
    return { algorithm, hex }
  }
  throw new RegistryError(
    'ERR_REGISTRY_INVALID_DIGEST',
    `cannot use digest ${JSON.stringify(digest.slice(0, 160))}: it must be sha256: and 64, or sha512: and 128, lower-case hex digits`,
  )
}

/** True when {@link parseDigest} takes `digest`. */
export function isDigest(digest: string): boolean {
  try {
    parseDigest(digest)
    return true
  } catch {
    return false // the one reason is that it is no digest
  }
}

/** The digest of bytes in memory. */
export function digestOf(bytes: string | Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** A running hash of the function that `digest` names. */
export function hasherFor(digest: string): Hash {
  return createHash(parseDigest(digest).algorithm)
}

function isAlgorithm(name: string): name is DigestAlgorithm {
  return Object.hasOwn(hexLength, name)
}
