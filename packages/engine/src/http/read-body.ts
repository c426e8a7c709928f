import type { Readable } from 'node:stream'
import { ApiError } from '../errors.js'
import { limits } from './limits.js'

/** How much a body may be, and how long it may take. */
export interface BodyBounds {
  readonly bytes?: number
  readonly ms?: number
}

/**
 * The text of a body that is held in memory. However little by little a client sends it, it has one time for all: or it
 * could hold a connection for ever.
 *
 * @throws `ApiError` 413: it is too large. 408: it is not there in time. 400: the client has gone.
 */
export async function readBody(
  body: Readable,
  { bytes = limits.bodyBytes, ms = limits.bodyMs }: BodyBounds = {},
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new ApiError(408, `the body was given up: it was not there after ${ms / 1000} s`)),
        ms,
      )
      body
        .on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size <= bytes) chunks.push(chunk)
          else reject(new ApiError(413, `the body is too large: it may have ${bytes} bytes`))
        })
        .on('end', resolve)
        .on('error', (cause) => reject(new ApiError(400, 'the body was cut off', { cause })))
    })
    return Buffer.concat(chunks).toString()
  } finally {
    clearTimeout(timer)
    body.removeAllListeners('data')
  }
}
