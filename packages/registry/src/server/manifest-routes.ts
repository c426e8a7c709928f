import { digestOf, isDigest, parseDigest } from '../manifest/digest.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { isTag } from '../reference/parse-reference.js'
import { ApiError, unknownManifest } from './api-error.js'
import { answer, answeredUnmodified, readRequest, type Exchange } from './exchange.js'
import { checkReferences, readDocument, referrerOf } from './manifest-document.js'
import type { Registry } from './registry.js'

/** A manifest that is pushed by digest may be given so many tags. */
const maxTags = 100

/** `GET` and `HEAD /v2/<name>/manifests/<tag or digest>`. */
export async function getManifest(
  { repositories }: Registry,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const digest = isDigest(reference) ? reference : await repositories.resolveTag(name, checkedTag(reference))
  const known = digest === undefined ? undefined : await repositories.manifest(name, digest)
  const size = digest === undefined ? undefined : await repositories.blobs.sizeOf(digest)
  if (digest === undefined || known === undefined || size === undefined) throw unknownManifest()
  if (answeredUnmodified(exchange, digest)) return
  const headers = {
    'content-type': known.mediaType,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'content-length': size,
  }
  if (exchange.method === 'HEAD') answer(exchange, 200, headers)
  else answer(exchange, 200, headers, await repositories.blobs.bytes({ digest, size }, maxManifestBytes))
}

/** `PUT /v2/<name>/manifests/<tag or digest>`, by digest also with `?tag=<tag>` several times. */
export async function putManifest(
  { repositories }: Registry,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const wanted = isDigest(reference) ? reference : undefined
  const tags = wanted === undefined ? [checkedTag(reference)] : givenTags(exchange)
  const bytes = await readRequest(exchange, maxManifestBytes)
  const digest = digestOf(bytes, wanted === undefined ? 'sha256' : parseDigest(wanted).algorithm)
  if (wanted !== undefined && wanted !== digest)
    throw new ApiError(400, 'DIGEST_INVALID', `the content has digest ${digest}`)
  const document = readDocument(bytes, exchange.request.headers['content-type'])
  await checkReferences(repositories, name, document)
  const content = { digest, size: bytes.length }
  if (!(await repositories.blobs.has(content))) await repositories.blobs.write(content, [bytes])
  const referrer = referrerOf(document, content)
  await repositories.putManifest(name, { digest, mediaType: document.mediaType, tags, referrer })
  answer(exchange, 201, {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(referrer === undefined ? {} : { 'oci-subject': referrer.subject }),
    ...(wanted === undefined || tags.length === 0 ? {} : { 'oci-tag': tags.join(', ') }),
  })
}

/** `DELETE /v2/<name>/manifests/<tag or digest>`: a tag alone, or a manifest with its tags. */
export async function deleteManifest(
  { repositories }: Registry,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const isGone = isDigest(reference)
    ? await repositories.deleteManifest(name, reference)
    : await repositories.deleteTag(name, checkedTag(reference))
  if (!isGone) throw unknownManifest()
  answer(exchange, 202)
}

function givenTags({ query }: Exchange): readonly string[] {
  const tags = query.getAll('tag')
  if (tags.length > maxTags)
    throw new ApiError(414, 'UNSUPPORTED', `at most ${maxTags} tags are taken at once`)
  return tags.map(checkedTag)
}

function checkedTag(tag: string): string {
  if (!isTag(tag))
    throw new ApiError(400, 'MANIFEST_INVALID', 'neither a tag nor a SHA-256 or SHA-512 digest')
  return tag
}
