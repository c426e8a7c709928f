import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { unknownBlob } from './api-error.js'
import { answer, answeredUnmodified, type Exchange } from './exchange.js'
import { requestedRange } from './ranges.js'
import { checkedDigest, type Registry } from './registry.js'

/** So much of a file is read at once. */
const pieceBytes = 256 * 1024

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`, with one range of bytes. */
export async function getBlob(
  { repositories, pins, isReadOnly }: Registry,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  checkedDigest(digest)
  const file = await pins.keep([digest], async () => {
    if (!(await repositories.hasBlob(name, digest))) return undefined
    // who is told that it is here will not push it
    if (exchange.method === 'HEAD' && !isReadOnly) await repositories.touchBlob(name, digest)
    return await repositories.blobs.open(digest)
  })
  if (file === undefined) throw unknownBlob()
  try {
    await sendFile(exchange, file, digest)
  } finally {
    await file.close()
  }
}

async function sendFile(exchange: Exchange, file: FileHandle, digest: string): Promise<void> {
  const { request, response, method } = exchange
  const { size } = await file.stat()
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
  else
    await pipeline(
      file.createReadStream({ start, end, autoClose: false, highWaterMark: pieceBytes }),
      response,
    )
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
