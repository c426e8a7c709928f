import { ApiError } from './api-error.js'
import { bodyOf, type Exchange } from './exchange.js'

/** Bounds what all requests together hold in memory. */
export class MemoryBudget {
  #left: number

  /** @param bytes - At most so many at once. */
  constructor(bytes: number) {
    this.#left = bytes
  }

  /** Takes bytes, or answers that there are none now. */
  take(bytes: number): void {
    if (bytes > this.#left)
      throw new ApiError(429, 'TOOMANYREQUESTS', 'too much at once', { 'retry-after': '5' })
    this.#left -= bytes
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#left += bytes
  }
}

/** Reads a request's small body whole and works on it. */
export async function withRequestBody<T>(
  exchange: Exchange,
  limit: number,
  memory: MemoryBudget,
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const tooLarge = (): ApiError => new ApiError(413, 'SIZE_INVALID', `at most ${limit} bytes are accepted`)
  if (Number(exchange.request.headers['content-length'] ?? 0) > limit) throw tooLarge()
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of bodyOf(exchange)) {
      if (length + chunk.length > limit) throw tooLarge()
      memory.take(chunk.length)
      length += chunk.length
      chunks.push(chunk)
    }
    return await work(Buffer.concat(chunks, length))
  } finally {
    memory.give(length)
  }
}
