import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier, type SignedEntity } from '@sigstore/verify'
import { parseDigest } from '../manifest/digest.js'
import { isObject } from '../manifest/json-shape.js'
import type { BundleEvidence, Evidence, PayloadEvidence } from './evidence.js'
import type { SignedByIdentity, SignedByKey } from './policy.js'

/** What must be signed. */
export interface Target {
  readonly digest: string
  /** The manifest or index itself. */
  readonly bytes: Buffer
}

/** What `cosign sign` claims in a bundle. Other claims of the same signer, such as reports, are no approval. */
const signedPredicate = 'https://sigstore.dev/cosign/sign/v1'
const statementType = 'application/vnd.in-toto+json'
const payloadClaim = 'cosign container image signature'

/**
 * Checks one piece of evidence, with nothing but what is given.
 *
 * @throws Whatever says best why the evidence does not show what is required.
 */
export function verifyEvidence(
  evidence: Evidence,
  target: Target,
  requirement: SignedByKey | SignedByIdentity,
): void {
  if (evidence.kind === 'bundle') verifyBundle(evidence, target, requirement)
  else if ('keys' in requirement) verifyPayload(evidence, target, requirement)
  else throw new Error('a signature without a bundle says nothing about an identity')
}

function verifyPayload(
  { payload, signature }: PayloadEvidence,
  { digest }: Target,
  { keys }: SignedByKey,
): void {
  const isSigned = keys.map((pem) => createPublicKey(pem)).some((key) => isSignedBy(key, payload, signature))
  if (!isSigned) throw new Error('it is signed with another key')
  const json: unknown = JSON.parse(payload.toString('utf8'))
  const critical = isObject(json) ? json['critical'] : undefined
  const { type, image } = isObject(critical) ? critical : {}
  const signed = isObject(image) ? image['docker-manifest-digest'] : undefined
  if (type !== payloadClaim || signed !== digest) throw new Error('its signature is about another image')
}

function isSignedBy(key: KeyObject, content: Buffer, signature: Buffer): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', content, key, signature)
}

function verifyBundle(
  { json }: BundleEvidence,
  target: Target,
  requirement: SignedByKey | SignedByIdentity,
): void {
  const bundle = bundleFromJSON(json)
  const { content } = bundle
  if (content.$case === 'dsseEnvelope') {
    checkStatement(content.dsseEnvelope.payloadType, content.dsseEnvelope.payload, target)
  }
  const entity = toSignedEntity(bundle, target.bytes)
  if ('keys' in requirement) verifyByKeys(entity, requirement)
  else verifyByIdentity(entity, requirement)
}

function verifyByKeys(entity: SignedEntity, { keys }: SignedByKey): void {
  if (entity.key.$case !== 'public-key') throw new Error('it is signed with a certificate, not with a key')
  // the key alone is what counts: whether a log has it too is not asked
  const bare = { ...entity, timestamps: [], tlogEntries: [] }
  const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }
  const failures: unknown[] = []
  for (const pem of keys) {
    const publicKey = createPublicKey(pem)
    const material = toTrustMaterial(TrustedRoot.fromJSON({}), () => ({ publicKey, validFor: () => true }))
    try {
      new Verifier(material, thresholds).verify(bare)
      return
    } catch (error) {
      failures.push(error)
    }
  }
  throw new Error('it is signed with another key', { cause: failures[0] })
}

function verifyByIdentity(entity: SignedEntity, { identity, issuer, trustedRoot }: SignedByIdentity): void {
  if (entity.key.$case !== 'certificate') throw new Error('it is signed with a key, not by an identity')
  const root = TrustedRoot.fromJSON(trustedRoot)
  const isLogged = root.tlogs.length > 0
  if (!isLogged && root.timestampAuthorities.length === 0)
    throw new Error('the trusted root has neither logs nor timestamp authorities to say when it was signed')
  const verifier = new Verifier(toTrustMaterial(root), {
    tlogThreshold: isLogged ? 1 : 0,
    ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  })
  const signer = verifier.verify(entity).identity
  // the library would take the identity for a pattern; a whole name is what is meant
  if (signer?.subjectAlternativeName !== identity || signer.extensions?.issuer !== issuer) {
    const shown = `${signer?.subjectAlternativeName ?? 'nobody'} (by ${signer?.extensions?.issuer ?? 'nobody'})`
    throw new Error(`it is signed by ${shown.slice(0, 300)}`)
  }
}

/** A statement must be a signature, and about this image. */
function checkStatement(type: string, payload: Buffer, { digest }: Target): void {
  const json: unknown = JSON.parse(payload.toString('utf8'))
  const { subject, predicateType, _type: kind } = isObject(json) ? json : {}
  if (type !== statementType || typeof kind !== 'string' || !kind.startsWith('https://in-toto.io/Statement/'))
    throw new Error('its bundle holds no statement')
  if (predicateType !== signedPredicate)
    throw new Error('its bundle is a statement of another kind, no signature')
  const { algorithm, hex } = parseDigest(digest)
  const isAbout = (item: unknown): boolean => {
    const digests = isObject(item) ? item['digest'] : undefined
    return isObject(digests) && digests[algorithm] === hex
  }
  if (!Array.isArray(subject) || !subject.some(isAbout))
    throw new Error('its signature is about another image')
}
