import type { RegistryClient } from '../client/registry-client.js'
import { isRegistryError, RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseDigest } from '../manifest/digest.js'
import { isIndex, type ImageIndex, type ImageManifest } from '../manifest/manifest.js'
import type { Reference } from '../reference/reference.js'

/** A signature as cosign has stored it beside an image since its first version. */
export interface PayloadEvidence {
  readonly kind: 'payload'
  /** What was signed: a document that names the image's digest. */
  readonly payload: Buffer
  readonly signature: Buffer
}

/** A sigstore bundle. */
export interface BundleEvidence {
  readonly kind: 'bundle'
  readonly json: unknown
}

/** Something that may show who signed an image. Written by anybody: it is believed only once it is verified. */
export type Evidence = PayloadEvidence | BundleEvidence

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json'
const signatureAnnotation = 'dev.cosignproject.cosign/signature'
/** Bundles and payloads are small; who has more signatures than this has too many. */
const maxEvidenceBytes = 1024 ** 2
const maxEvidence = 100

/**
 * Signatures of a manifest in its repository: bundles among its referrers, and what cosign keeps under the tag
 * `sha256-….sig`.
 */
export async function* evidenceOf(
  client: RegistryClient,
  { registry, repository }: Reference,
  digest: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Evidence, void> {
  let count = 0
  const name = { registry, repository, digest }
  for await (const referrer of client.referrers(name, { artifactType: bundleType, signal })) {
    if (++count > maxEvidence) return
    const document = await tryManifest(client, { registry, repository, digest: referrer.digest }, signal)
    const layer = layersOf(document)[0]
    const bytes = layer === undefined ? undefined : await read(client, name, layer, signal)
    if (bytes !== undefined) yield { kind: 'bundle', json: parsed(bytes) }
  }
  const { algorithm, hex } = parseDigest(digest)
  const document = await tryManifest(client, { registry, repository, tag: `${algorithm}-${hex}.sig` }, signal)
  for (const layer of layersOf(document).slice(0, maxEvidence)) {
    const signature = layer.annotations?.[signatureAnnotation]
    if (layer.mediaType !== payloadType || signature === undefined) continue
    const payload = await read(client, name, layer, signal)
    if (payload !== undefined) yield { kind: 'payload', payload, signature: Buffer.from(signature, 'base64') }
  }
}

function layersOf(document: ImageManifest | ImageIndex | undefined): readonly Descriptor[] {
  return document === undefined || isIndex(document) ? [] : document.layers
}

async function tryManifest(
  client: RegistryClient,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<ImageManifest | ImageIndex | undefined> {
  try {
    return (await client.manifest(reference, { signal })).document
  } catch (error) {
    if (isRegistryError(error) && error.code === 'ERR_REGISTRY_NOT_FOUND') return undefined
    throw error
  }
}

/** `undefined` for what is too large to be evidence. */
async function read(
  client: RegistryClient,
  reference: Reference,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  if (descriptor.size > maxEvidenceBytes) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of await client.blob(reference, descriptor, { signal })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new RegistryError('ERR_REGISTRY_BAD_MANIFEST', 'cannot read a sigstore bundle: it is not JSON', {
      cause,
    })
  }
}
