import { pipeline } from 'node:stream/promises'
import { unknownBlob } from './api-error.js'
import { answer, answeredUnmodified, type Exchange } from './exchange.js'
import { requestedRange } from './ranges.js'
import { checkedDigest, type Registry } from './registry.js'

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`, with one range of bytes. */
export async function getBlob(
  { repositories }: Registry,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  const { request, response, method } = exchange
  const size = await repositories.blobSize(name, checkedDigest(digest))
  if (size === undefined) throw unknownBlob()
  if (answeredUnmodified(exchange, digest)) return
  const range = method === 'GET' ? requestedRange(request.headers.range, size) : undefined
  const { start, end } = range ?? { start: 0, end: size - 1 }
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
  { repositories }: Registry,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  if (!(await repositories.unlinkBlob(name, checkedDigest(digest)))) throw unknownBlob()
  answer(exchange, 202)
}
