import { pipeline } from 'node:stream/promises'
import { isDigest } from '../manifest/digest.js'
import { isRepository } from '../reference/parse-reference.js'
import { ApiError, unknownBlob } from './api-error.js'
import { answer, bodyOf, type Exchange } from './exchange.js'
import type { Repositories } from './repositories.js'
import type { Upload, Uploads } from './uploads.js'

/** What the handlers work on. */
export interface BlobContext {
  readonly repositories: Repositories
  readonly uploads: Uploads
}

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`, with one range of bytes. */
export async function getBlob(
  { repositories }: BlobContext,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  const { request, response, method } = exchange
  checkDigest(digest)
  const size = (await repositories.hasBlob(name, digest))
    ? await repositories.blobs.sizeOf(digest)
    : undefined
  if (size === undefined) throw unknownBlob()
  const range = method === 'GET' ? parseRange(request.headers.range, size) : undefined
  const [start, end] = range ?? [0, size - 1]
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end - start + 1,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  })
  if (method === 'HEAD' || size === 0) response.end()
  else await pipeline(repositories.blobs.read(digest, { start, end }), response)
}

/** `DELETE /v2/<name>/blobs/<digest>`. */
export async function deleteBlob(
  { repositories }: BlobContext,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  checkDigest(digest)
  if (!(await repositories.unlinkBlob(name, digest))) throw unknownBlob()
  answer(exchange, 202)
}

/** `POST /v2/<name>/blobs/uploads/`: a mount, a whole blob in one request, or the beginning of an upload. */
export async function beginUpload(context: BlobContext, exchange: Exchange, name: string): Promise<void> {
  const { repositories, uploads } = context
  const { query } = exchange
  const mount = query.get('mount')
  const from = query.get('from')
  if (mount !== null && isDigest(mount) && from !== null && isRepository(from)) {
    if ((await repositories.hasBlob(from, mount)) && (await repositories.blobs.sizeOf(mount)) !== undefined) {
      await repositories.linkBlob(name, mount)
      answerCreated(exchange, name, mount)
      return
    }
  }
  const upload = await uploads.begin(name)
  const digest = query.get('digest')
  if (digest !== null) {
    try {
      await finish(context, exchange, upload, digest)
    } catch (error) {
      await uploads.end(upload)
      throw error
    }
    return
  }
  answerUpload(exchange, upload, 202)
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`: the next chunk. One that does not begin where the last ended is refused. */
export async function patchUpload(
  { uploads }: BlobContext,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const upload = uploads.get(name, id)
  await uploads.exclusively(upload, async () => {
    checkChunk(exchange, upload)
    await uploads.append(upload, bodyOf(exchange.request))
  })
  answerUpload(exchange, upload, 202)
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>`: the last chunk, if any, and the end. */
export async function putUpload(
  context: BlobContext,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const upload = context.uploads.get(name, id)
  const digest = exchange.query.get('digest')
  if (digest === null) throw new ApiError(400, 'DIGEST_INVALID', 'the digest is missing')
  await context.uploads.exclusively(upload, () => finish(context, exchange, upload, digest))
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far an upload has come. */
export function getUpload({ uploads }: BlobContext, exchange: Exchange, name: string, id: string): void {
  answerUpload(exchange, uploads.get(name, id), 204)
}

/** `DELETE /v2/<name>/blobs/uploads/<id>`: gives an upload up. */
export async function deleteUpload(
  { uploads }: BlobContext,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const upload = uploads.get(name, id)
  await uploads.exclusively(upload, () => uploads.end(upload))
  answer(exchange, 204)
}

async function finish(
  { repositories, uploads }: BlobContext,
  exchange: Exchange,
  upload: Upload,
  digest: string,
): Promise<void> {
  checkDigest(digest)
  checkChunk(exchange, upload)
  await uploads.append(upload, bodyOf(exchange.request))
  const actual = await uploads.digest(upload, digest)
  if (actual !== digest) {
    await uploads.end(upload)
    throw new ApiError(400, 'DIGEST_INVALID', `the content has digest ${actual}`)
  }
  await repositories.blobs.adopt(upload.path, digest)
  await repositories.linkBlob(upload.repository, digest)
  await uploads.end(upload)
  answerCreated(exchange, upload.repository, digest)
}

function checkChunk({ request }: Exchange, upload: Upload): void {
  const header = request.headers['content-range']
  if (header === undefined) return
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(header)
  const [start, end] = match === null ? [-1, -1] : [Number(match[1]), Number(match[2])]
  const length = request.headers['content-length']
  if (start === upload.offset && end >= start && (length === undefined || Number(length) === end - start + 1))
    return
  throw new ApiError(
    416,
    'BLOB_UPLOAD_INVALID',
    `the next chunk must begin at byte ${upload.offset}`,
    uploadHeaders(upload),
  )
}

/** One range; several, or what cannot be read, are answered with the whole (RFC 9110, 14.2). */
function parseRange(
  header: string | undefined,
  size: number,
): readonly [start: number, end: number] | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const isSuffix = match[1] === ''
  const start = isSuffix ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = isSuffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (start <= end) return [start, end]
  throw new ApiError(416, 'RANGE_INVALID', `the blob has ${size} bytes`, {
    'content-range': `bytes */${size}`,
  })
}

function checkDigest(digest: string): void {
  if (!isDigest(digest)) throw new ApiError(400, 'DIGEST_INVALID', 'not a SHA-256 or SHA-512 digest')
}

function answerCreated(exchange: Exchange, name: string, digest: string): void {
  answer(exchange, 201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
}

function answerUpload(exchange: Exchange, upload: Upload, status: number): void {
  answer(exchange, status, uploadHeaders(upload))
}

function uploadHeaders({ id, repository, offset }: Upload): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    'docker-upload-uuid': id,
    range: `0-${Math.max(0, offset - 1)}`,
  }
}
