import { pipeline } from 'node:stream/promises'
import { digestOf, isDigest, parseDigest } from '../manifest/digest.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { isTag } from '../reference/parse-reference.js'
import { ApiError, unknownManifest } from './api-error.js'
import { answer, answeredUnmodified, type Exchange } from './exchange.js'
import { checkReferences, partsOf, readDocument, referrerOf } from './manifest-document.js'
import { withRequestBody } from './memory-budget.js'
import type { Registry } from './registry.js'

/** Larger manifests are not held in memory while a slow client takes them. */
const smallBytes = 64 * 1024

/** A manifest that is pushed by digest may be given so many tags. */
const maxTags = 100

/** `GET` and `HEAD /v2/<name>/manifests/<tag or digest>`. */
export async function getManifest(
  { repositories, pins, isReadOnly, mirror }: Registry,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  if (!isDigest(reference)) checkedTag(reference)
  await mirror?.bringManifest(name, reference)
  const digest = isDigest(reference) ? reference : await repositories.resolveTag(name, reference)
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
  if (exchange.method === 'HEAD') {
    // who is told that it is here will not push it
    if (!isReadOnly) await pins.keep([digest], () => repositories.touchManifest(name, digest))
    exchange.response.writeHead(200, headers).end()
  } else if (size <= smallBytes) {
    answer(exchange, 200, headers, await repositories.blobs.bytes({ digest, size }, maxManifestBytes))
  } else {
    exchange.response.writeHead(200, headers)
    await pipeline(repositories.blobs.read(digest), exchange.response)
  }
}

/** `PUT /v2/<name>/manifests/<tag or digest>`, by digest also with `?tag=<tag>` several times. */
export async function putManifest(
  registry: Registry,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const wanted = isDigest(reference) ? reference : undefined
  const tags = wanted === undefined ? [checkedTag(reference)] : givenTags(exchange)
  const headers = await withRequestBody(exchange, maxManifestBytes, registry.memory, (bytes) =>
    store(registry, name, bytes, { wanted, tags, contentType: exchange.request.headers['content-type'] }),
  )
  answer(exchange, 201, headers)
}

/** How a manifest is pushed. */
interface Push {
  readonly wanted: string | undefined
  readonly tags: readonly string[]
  readonly contentType: string | undefined
}

async function store(
  { repositories, pins }: Registry,
  name: string,
  bytes: Buffer,
  { wanted, tags, contentType }: Push,
): Promise<Record<string, string>> {
  const digest = digestOf(bytes, wanted === undefined ? 'sha256' : parseDigest(wanted).algorithm)
  if (wanted !== undefined && wanted !== digest)
    throw new ApiError(400, 'DIGEST_INVALID', `the content has digest ${digest}`)
  const document = readDocument(bytes, contentType)
  const referrer = referrerOf(document, { digest, size: bytes.length })
  await pins.keep([digest, ...partsOf(document)], async () => {
    await checkReferences(repositories, name, document)
    await repositories.putManifest(name, bytes, { digest, mediaType: document.mediaType, tags, referrer })
  })
  return {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(referrer === undefined ? {} : { 'oci-subject': referrer.subject }),
    ...(wanted === undefined || tags.length === 0 ? {} : { 'oci-tag': tags.join(', ') }),
  }
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
