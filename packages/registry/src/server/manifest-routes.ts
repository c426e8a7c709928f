import { isRegistryError } from '../errors.js'
import { digestOf, isDigest, parseDigest } from '../manifest/digest.js'
import {
  isIndex,
  maxManifestBytes,
  parseManifest,
  type ImageIndex,
  type ImageManifest,
} from '../manifest/manifest.js'
import { isTag } from '../reference/parse-reference.js'
import { ApiError, unknownManifest, unknownName } from './api-error.js'
import { answer, answerJson, page, readRequest, type Exchange } from './exchange.js'
import type { Repositories } from './repositories.js'

/** `GET` and `HEAD /v2/<name>/manifests/<tag or digest>`. */
export async function getManifest(
  repositories: Repositories,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const digest = isDigest(reference) ? reference : await repositories.resolveTag(name, checkedTag(reference))
  const mediaType = digest === undefined ? undefined : await repositories.manifestType(name, digest)
  const size = digest === undefined ? undefined : await repositories.blobs.sizeOf(digest)
  if (digest === undefined || mediaType === undefined || size === undefined) throw unknownManifest()
  const headers = { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` }
  if (exchange.method === 'HEAD') {
    answer(exchange, 200, { ...headers, 'content-length': size })
    return
  }
  const bytes = await repositories.blobs.bytes({ digest, size }, maxManifestBytes)
  exchange.response.writeHead(200, { ...headers, 'content-length': size }).end(bytes)
}

/** `PUT /v2/<name>/manifests/<tag or digest>`. Everything it refers to, but a subject, must be there. */
export async function putManifest(
  repositories: Repositories,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const wanted = isDigest(reference) ? reference : undefined
  const tag = wanted === undefined ? checkedTag(reference) : undefined
  const bytes = await readRequest(exchange, maxManifestBytes)
  const digest = digestOf(bytes, wanted === undefined ? 'sha256' : parseDigest(wanted).algorithm)
  if (wanted !== undefined && wanted !== digest)
    throw new ApiError(400, 'DIGEST_INVALID', `the content has digest ${digest}`)
  const document = read(bytes, exchange.request.headers['content-type'])
  await checkReferences(repositories, name, document)
  const content = { digest, size: bytes.length }
  if (!(await repositories.blobs.has(content))) await repositories.blobs.write(content, [bytes])
  await repositories.putManifest(name, digest, document.mediaType, tag)
  answer(exchange, 201, { location: `/v2/${name}/manifests/${digest}`, 'docker-content-digest': digest })
}

/** `DELETE /v2/<name>/manifests/<tag or digest>`: a tag alone, or a manifest with its tags. */
export async function deleteManifest(
  repositories: Repositories,
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

/** `GET /v2/<name>/tags/list`. */
export async function listTags(repositories: Repositories, exchange: Exchange, name: string): Promise<void> {
  if (!(await repositories.exists(name))) throw unknownName()
  const { names, headers } = page(exchange, await repositories.tags(name))
  answerJson(exchange, { name, tags: names }, headers)
}

/** `GET /v2/_catalog`. */
export async function listRepositories(repositories: Repositories, exchange: Exchange): Promise<void> {
  const { names, headers } = page(exchange, await repositories.names())
  answerJson(exchange, { repositories: names }, headers)
}

function read(bytes: Buffer, contentType: string | undefined): ImageManifest | ImageIndex {
  try {
    return parseManifest(bytes, contentType?.split(';')[0]!.trim())
  } catch (error) {
    if (isRegistryError(error)) throw new ApiError(400, 'MANIFEST_INVALID', error.message)
    throw error
  }
}

async function checkReferences(
  repositories: Repositories,
  name: string,
  document: ImageManifest | ImageIndex,
): Promise<void> {
  const missing = isIndex(document)
    ? await firstMissing(
        document.manifests,
        async ({ digest }) => (await repositories.manifestType(name, digest)) !== undefined,
      )
    : await firstMissing([document.config, ...document.layers], ({ digest }) =>
        repositories.hasBlob(name, digest),
      )
  if (missing !== undefined)
    throw new ApiError(400, 'MANIFEST_BLOB_UNKNOWN', `the repository lacks ${missing.digest}`)
}

async function firstMissing<T>(
  items: readonly T[],
  isThere: (item: T) => Promise<boolean>,
): Promise<T | undefined> {
  for (const item of items) {
    if (!(await isThere(item))) return item
  }
  return undefined
}

function checkedTag(tag: string): string {
  if (!isTag(tag)) throw new ApiError(400, 'TAG_INVALID', 'neither a tag nor a SHA-256 or SHA-512 digest')
  return tag
}
