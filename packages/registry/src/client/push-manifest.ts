import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { digestOf, parseDigest } from '../manifest/digest.js'
import { present } from '../manifest/json-shape.js'
import { isIndex, parseManifest, type ImageIndex, type ImageManifest } from '../manifest/manifest.js'
import { isTag } from '../reference/parse-reference.js'
import type { Reference } from '../reference/reference.js'
import { manifestPath } from './fetch-manifest.js'
import { pushScopes } from './push-blob.js'
import { fallbackIndex, fallbackTag, withReferrer } from './referrers.js'
import type { Session } from './session.js'

/** `PUT /v2/<name>/manifests/<tag or digest>`; see `RegistryClient.pushManifest`. */
export async function pushManifest(
  session: Session,
  reference: Reference,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const document = parseManifest(bytes)
  const { mediaType, subject } = document
  const { algorithm } = parseDigest(reference.digest ?? digestOf(bytes))
  const digest = digestOf(bytes, algorithm)
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new RegistryError(
      'ERR_REGISTRY_DIGEST_MISMATCH',
      `cannot push manifest as ${reference.digest}: its digest is ${digest}`,
    )
  }
  const { registry, repository, tag } = reference
  const name =
    tag !== undefined && isTag(tag) ? { registry, repository, tag } : { registry, repository, digest }
  const what = `push manifest ${digest} to ${registry}/${repository}${name.tag === undefined ? '' : `:${name.tag}`}`
  const answer = await session.call({
    what,
    method: 'PUT',
    target: manifestPath(name),
    scopes: pushScopes(repository),
    headers: { 'content-type': mediaType, 'content-length': bytes.byteLength },
    body: bytes,
    expect: [201],
    signal,
  })
  answer.discard()
  const stored = answer.headers['docker-content-digest']
  if (typeof stored === 'string' && stored !== digest && stored.startsWith(digest.slice(0, 7))) {
    throw new RegistryError(
      'ERR_REGISTRY_DIGEST_MISMATCH',
      `cannot ${what}: the registry stored it as ${stored.slice(0, 200)}`,
    )
  }
  const descriptor = { mediaType, digest, size: bytes.byteLength }
  if (subject !== undefined && answer.headers['oci-subject'] === undefined) {
    const index = await fallbackIndex(session, reference, subject.digest, signal)
    const list = withReferrer(index, { ...descriptor, ...referrerMembers(document) })
    await pushManifest(session, { registry, repository, tag: fallbackTag(subject.digest) }, list, signal)
  }
  return descriptor
}

/** What a list of referrers says of a manifest besides its digest. */
function referrerMembers(document: ImageManifest | ImageIndex): Partial<Descriptor> {
  const type = document.artifactType ?? (isIndex(document) ? undefined : document.config.mediaType)
  return present({ artifactType: type, annotations: document.annotations })
}
