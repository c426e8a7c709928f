import { isDigest, parseDigest } from '../manifest/digest.js'
import { isRepository } from '../reference/parse-reference.js'
import { ApiError } from './api-error.js'
import { answer, bodyOf, type Exchange } from './exchange.js'
import { chunkRange } from './ranges.js'
import { checkedDigest, type Registry } from './registry.js'
import type { Upload } from './uploads.js'

/** `POST /v2/<name>/blobs/uploads/`: a mount, a whole blob in one request, or the beginning of an upload. */
export async function beginUpload(registry: Registry, exchange: Exchange, name: string): Promise<void> {
  const { query } = exchange
  if (await mounted(registry, exchange, name)) return
  const algorithm = query.get('digest-algorithm') ?? 'sha256'
  if (algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw new ApiError(400, 'DIGEST_INVALID', 'the digest algorithm must be sha256 or sha512')
  }
  const digest = query.get('digest')
  if (digest === null) {
    answerUpload(exchange, await registry.uploads.begin(name, algorithm), 202)
    return
  }
  checkedDigest(digest)
  const upload = await registry.uploads.begin(name, parseDigest(digest).algorithm, false)
  try {
    await finish(registry, exchange, upload, digest)
  } finally {
    await registry.uploads.end(upload) // nobody knows of it who could go on with it
  }
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`: the next chunk. One that does not begin where the last ended is refused. */
export async function patchUpload(
  registry: Registry,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const upload = registry.uploads.get(name, id)
  await registry.uploads.exclusively(upload, () => append(registry, exchange, upload))
  answerUpload(exchange, upload, 202)
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>`: the last chunk, if any, and the end. */
export async function putUpload(
  registry: Registry,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const upload = registry.uploads.get(name, id)
  const digest = exchange.query.get('digest')
  if (digest === null) throw new ApiError(400, 'DIGEST_INVALID', 'the digest is missing')
  await registry.uploads.exclusively(upload, () => finish(registry, exchange, upload, checkedDigest(digest)))
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far an upload has come. */
export function getUpload({ uploads }: Registry, exchange: Exchange, name: string, id: string): void {
  answerUpload(exchange, uploads.get(name, id), 204)
}

/** `DELETE /v2/<name>/blobs/uploads/<id>`: gives an upload up. */
export async function deleteUpload(
  { uploads }: Registry,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const upload = uploads.get(name, id)
  await uploads.exclusively(upload, () => uploads.end(upload))
  answer(exchange, 204)
}

/** Gives the repository a blob of another one, or of any other when none is named. */
async function mounted({ repositories, pins }: Registry, exchange: Exchange, name: string): Promise<boolean> {
  const digest = exchange.query.get('mount')
  const from = exchange.query.get('from')
  if (digest === null || !isDigest(digest)) return false
  if (from !== null && from !== '' && !isRepository(from)) return false
  const source = from === '' ? undefined : (from ?? undefined)
  if (!(await pins.keep([digest], () => repositories.mountBlob(name, digest, source)))) return false
  answerCreated(exchange, name, digest)
  return true
}

async function finish(registry: Registry, exchange: Exchange, upload: Upload, digest: string): Promise<void> {
  const { repositories, uploads, pins } = registry
  await append(registry, exchange, upload)
  const actual = await uploads.digest(upload, digest)
  if (actual !== digest) {
    await uploads.end(upload)
    throw new ApiError(400, 'DIGEST_INVALID', `the content has digest ${actual}`)
  }
  const { repository, path, offset } = upload
  await pins.keep([digest], () => repositories.addBlob(repository, digest, path, offset))
  await uploads.end(upload)
  answerCreated(exchange, upload.repository, digest)
}

/** Takes a request's body as the next chunk of an upload. */
async function append({ uploads, quotas }: Registry, exchange: Exchange, upload: Upload): Promise<void> {
  const range = chunkRange(exchange.request)
  if (range === undefined || (range !== 'unsaid' && range.start !== upload.offset)) {
    throw new ApiError(
      416,
      'BLOB_UPLOAD_INVALID',
      `the next chunk must begin at byte ${upload.offset}, and be as long as it says`,
      uploadHeaders(upload),
    )
  }
  quotas.check(upload.repository, Number(exchange.request.headers['content-length'] ?? 0))
  const length = range === 'unsaid' ? Infinity : range.end - range.start + 1
  await uploads.append(upload, bodyOf(exchange), length)
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
