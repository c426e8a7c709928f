import { RegistryError } from '../errors.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'

/** Signed with one of these keys, as `cosign sign --key` does. */
export interface SignedByKey {
  /** Public keys, PEM: ECDSA, RSA or Ed25519. */
  readonly keys: readonly string[]
}

/** Signed by somebody who proved to be this to a certificate authority, as keyless `cosign sign` does. */
export interface SignedByIdentity {
  /** The whole name in the certificate: an e-mail address, or the address of a workflow. */
  readonly identity: string
  /** Who vouched for it, such as `https://accounts.example.com`. */
  readonly issuer: string
  /**
   * Authorities and transparency logs that are believed: the JSON of a `trusted_root.json`. Nothing is fetched.
   * Its logs must have the signature; without logs, its timestamp authorities must have seen it.
   */
  readonly trustedRoot: unknown
}

/** What an image must show to be taken. */
export type SignatureRequirement = 'accept' | 'reject' | SignedByKey | SignedByIdentity

/** Which images are taken. */
export interface SignaturePolicy {
  /** For images that no scope is about. */
  readonly default: SignatureRequirement
  /**
   * By the beginning of a name, whole parts of it: `docker.io`, `docker.io/library`, `h.example/team/app`. The
   * longest one that fits decides.
   */
  readonly scopes?: Readonly<Record<string, SignatureRequirement>> | undefined
}

/** What a policy asks of an image by this name. */
export function requirementFor(policy: SignaturePolicy, reference: Reference): SignatureRequirement {
  const parts = [reference.registry, ...reference.repository.split('/')]
  const scopes = policy.scopes ?? {}
  for (let n = parts.length; n > 0; n--) {
    const scope = parts.slice(0, n).join('/')
    const found = Object.hasOwn(scopes, scope) ? scopes[scope] : undefined
    if (found !== undefined) return found
  }
  return policy.default
}

/** An error that says why an image is not taken. */
export function untrusted(reference: Reference, reason: string): RegistryError {
  return new RegistryError('ERR_REGISTRY_UNTRUSTED', `cannot trust ${formatReference(reference)}: ${reason}`)
}
