import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { ApiError, badRequest } from '../errors.js'
import { limits } from './limits.js'

/**
 * The archive that a request sends.
 *
 * @throws `ApiError` 400: the body is said to be JSON.
 */
export function archiveOf({ body, raw }: Pick<FastifyRequest, 'body' | 'raw'>): Readable {
  const archive = body ?? raw
  if (!(archive instanceof Readable)) throw badRequest('the body must be an archive, and not JSON')
  return archive
}

/**
 * Works with an archive that a request sends.
 *
 * @throws As `work` does, with the rest of the archive read: clients that still write do not read the answer.
 */
export async function withUpload<T>(
  archive: Readable,
  work: (chunks: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  try {
    return await work(uploadOf(archive))
  } catch (error) {
    dropRest(archive)
    throw error
  }
}

/**
 * The chunks of an upload. One that stalls is given up, so that it does not hold what it is for.
 *
 * @throws `ApiError` 408 when nothing comes for so long.
 */
export async function* uploadOf(
  body: Readable,
  idleMs: number = limits.uploadIdleMs,
): AsyncGenerator<Buffer> {
  // the request must live on to be answered
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  for (;;) {
    const next = await inTime(chunks.next(), idleMs)
    if (next.done === true) return
    yield next.value
  }
}

/** Reads what is left of an upload that was refused: clients that still write do not read the answer. */
export function dropRest(body: Readable, ms: number = limits.refusedUploadMs): void {
  if (body.readableEnded || body.destroyed) return
  const late = setTimeout(() => body.destroy(), ms).unref()
  body
    .on('error', () => undefined)
    .once('close', () => {
      clearTimeout(late)
    })
  body.resume()
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new ApiError(408, `the upload was given up: nothing came for ${ms / 1000} s`))
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
