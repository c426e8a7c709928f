import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.js'

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The part of content that is wanted (`Range`, RFC 9110, 14.2). Only one range is answered: several, or what
 * cannot be read, get the whole, so no list of ranges costs more than the content itself.
 */
export function requestedRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const isSuffix = match[1] === ''
  const start = isSuffix ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = isSuffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (start <= end) return { start, end }
  throw new ApiError(416, 'SIZE_INVALID', `the blob has ${size} bytes`, {
    'content-range': `bytes */${size}`,
  })
}

/**
 * Where a chunk of an upload belongs (`Content-Range`), when it says so. `undefined` when the header does not
 * fit the body's length, or cannot be read.
 */
export function chunkRange({ headers }: IncomingMessage): ByteRange | 'unsaid' | undefined {
  const header = headers['content-range']
  if (header === undefined) return 'unsaid'
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header)
  if (match === null) return undefined
  const [start, end] = [Number(match[1]), Number(match[2])]
  const length = headers['content-length']
  const fits = end >= start && (length === undefined || Number(length) === end - start + 1)
  return fits ? { start, end } : undefined
}
