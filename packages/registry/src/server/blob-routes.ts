import { pipeline } from 'node:stream/promises'
import type { Expected } from '../blobs/verify.js'
import { unknownBlob } from './api-error.js'
import { answer, answeredUnmodified, type Exchange } from './exchange.js'
import { requestedRange } from './ranges.js'
import { checkedDigest, type Registry } from './registry.js'

/** So much of a file is read at once. */
const pieceBytes = 256 * 1024

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`, with one range of bytes. */
export async function getBlob(
  registry: Registry,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  const { repositories, pins, isReadOnly, mirror } = registry
  checkedDigest(digest)
  const file = await pins.keep([digest], async () => {
    if (!(await repositories.hasBlob(name, digest)) && !(await isBrought(registry, name, digest)))
      return undefined
    // who is told that it is here will not push it
    if (exchange.method === 'HEAD' && !isReadOnly) await repositories.touchBlob(name, digest)
    return await repositories.blobs.open(digest)
  })
  if (file === undefined) {
    const size = await mirror?.sizeOf(name, digest)
    if (mirror === undefined || size === undefined) throw unknownBlob()
    await send(exchange, { digest, size }, async (start, end) =>
      (await mirror.download(name, digest, size)).read(start, end),
    )
    return
  }
  try {
    const { size } = await file.stat()
    await send(exchange, { digest, size }, (start, end) =>
      file.createReadStream({ start, end, autoClose: false, highWaterMark: pieceBytes }),
    )
  } finally {
    await file.close()
  }
}

/** What was brought for another repository is here for all that are to have it. */
async function isBrought({ repositories, mirror }: Registry, name: string, digest: string): Promise<boolean> {
  if ((await mirror?.sizeOf(name, digest)) === undefined) return false
  return await repositories.mountBlob(name, digest, undefined)
}

async function send(
  exchange: Exchange,
  { digest, size }: Expected,
  read: (start: number, end: number) => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>,
): Promise<void> {
  const { request, response, method } = exchange
  if (answeredUnmodified(exchange, digest)) return
  const range = method === 'GET' ? requestedRange(request.headers.range, size) : undefined
  const { start, end } = range ?? { start: 0, end: size - 1 }
  const body = method === 'HEAD' || size === 0 ? undefined : await read(start, end)
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end - start + 1,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  })
  if (body === undefined) response.end()
  else await pipeline(body, response)
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
