import type { RegistryClient } from '../client/registry-client.js'
import { isAbortError } from '../abort.js'
import { messageOf } from '../errors.js'
import type { Reference } from '../reference/reference.js'
import { evidenceOf, type Evidence } from './evidence.js'
import { requirementFor, untrusted, type SignaturePolicy } from './policy.js'
import type { Target } from './verify-evidence.js'

/** What is to be checked, besides the policy. */
export interface CheckOptions {
  /** Sigstore bundles (parsed JSON) that are at hand, such as from files; looked at before the registry is asked. */
  readonly bundles?: readonly unknown[] | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Checks that a manifest may be taken by a policy: that one of its signatures shows what is required.
 *
 * @param targets - What the name stands for; for an index also the manifest that was picked from it. A
 *   signature of one of them is enough, because each is named by digest in the one before.
 * @throws {@link RegistryError} `ERR_REGISTRY_UNTRUSTED`.
 */
export async function checkPolicy(
  client: RegistryClient,
  reference: Reference,
  targets: readonly Target[],
  policy: SignaturePolicy,
  { bundles = [], signal }: CheckOptions,
): Promise<void> {
  const requirement = requirementFor(policy, reference)
  if (requirement === 'accept') return
  if (requirement === 'reject') throw untrusted(reference, 'the policy rejects it')
  // loaded only where signatures are checked: it is large
  const { verifyEvidence } = await import('./verify-evidence.js')
  const reasons = new Set<string>()
  const isProven = (evidence: Evidence, target: Target): boolean => {
    try {
      verifyEvidence(evidence, target, requirement)
      return true
    } catch (error) {
      reasons.add(messageOf(error))
      return false
    }
  }
  for (const target of targets) {
    if (bundles.some((json) => isProven({ kind: 'bundle', json }, target))) return
    try {
      for await (const evidence of evidenceOf(client, reference, target.digest, signal))
        if (isProven(evidence, target)) return
    } catch (error) {
      if (isAbortError(error)) throw error
      reasons.add(messageOf(error))
    }
  }
  const found = [...reasons].slice(0, 3).join('; ').slice(0, 1000)
  throw untrusted(reference, found === '' ? 'it has no signature' : found)
}
