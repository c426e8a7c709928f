import { Readable, type Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { types } from 'node:util'
import { Gunzip, Unzstd, type Decompressor } from '@ctr/linux'
import { abortError, errnoOf, OverlayError } from '../errors.js'
import { decompressPieces } from './decompress-pieces.js'

/** How the bytes of a layer are compressed, as their first bytes say. */
export type Compression = 'gzip' | 'zstd' | 'none'

/** Takes what {@link decompress} has read. */
export type Consume = (chunk: Uint8Array, compressedBytes: number) => void | Promise<void>

/** Node's default of 16 KiB makes inflating nearly twice as slow. Each chunk is one step of all threads: fewer wait less for another. */
const chunkSize = 1024 * 1024

/** Tells the compression by the first bytes, as every container engine does; media types are often wrong. */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip'
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'zstd'
  // a frame that decoders skip, of which parallel compressors put one first
  if ((start[0]! & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18)
    return 'zstd'
  return 'none'
}

/**
 * Reads a stream, decompressed, piece by piece.
 *
 * @param source - Compressed or plain bytes. Ended early when `consume` throws.
 * @param consume - Takes the next bytes, and how many compressed ones have been read so far, those that wait to be
 *   decompressed among them.
 * @throws {@link OverlayError} `ERR_OVERLAY_COMPRESSION` for damaged data, `ERR_OVERLAY_UNSUPPORTED` for zstd
 *   where neither Node.js (since 22.15 and 23.8) nor the system has it (`libzstd.so.1`). Errors of the source and of `consume` come as they are.
 */
export async function decompress(
  source: AsyncIterable<Uint8Array>,
  consume: Consume,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted === true) throw abortError(signal)
  const iterator = source[Symbol.asyncIterator]()
  const work = new AbortController()
  let onAbort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortError(signal!))
  })
  signal?.addEventListener('abort', onAbort)
  try {
    await Promise.race([run(source, iterator, consume, work.signal), aborted])
  } catch (error) {
    // not waited for: a source that stalls may never answer
    void iterator.return?.().then(undefined, () => undefined)
    if (source instanceof Readable) source.destroy()
    throw damaged(error)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    work.abort()
  }
}

async function run(
  source: AsyncIterable<Uint8Array>,
  iterator: AsyncIterator<Uint8Array>,
  consume: Consume,
  signal: AbortSignal,
): Promise<void> {
  const { start, done } = await firstBytes(iterator)
  let compressedBytes = 0
  const input = rest(start, done, iterator, (chunk) => (compressedBytes += chunk.length))
  const compression = compressionOf(start)
  using decompressor = decompressorFor(compression)
  if (decompressor !== undefined) {
    await decompressPieces(decompressor, input, async (chunk) => {
      if (!signal.aborted) await consume(chunk, compressedBytes)
    })
    return
  }
  const decoder = decoderFor(compression)
  if (decoder === undefined) {
    for await (const chunk of input) {
      if (signal.aborted) return // nobody waits for this any more
      // streams give their chunks away, others may use theirs again
      await consume(source instanceof Readable ? chunk : Buffer.from(chunk), compressedBytes)
    }
    return
  }
  signal.addEventListener('abort', () => decoder.destroy(), { once: true })
  // what `consume` throws ends the decoder, whose own error is none then
  let failure: { readonly error: unknown } | undefined
  const empty = async (): Promise<void> => {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      try {
        await consume(chunk, compressedBytes)
      } catch (error) {
        failure = { error }
        throw error
      }
    }
  }
  try {
    await Promise.all([fill(decoder, input), empty()])
  } catch (error) {
    decoder.destroy()
    throw failure === undefined ? error : failure.error
  }
}

/** Hands a decoder its input: the next piece is asked for once the one before is not looked at any more. */
async function fill(decoder: Transform, input: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = new Promise<never>((_, reject) => {
    decoder.once('close', () => reject(decoder.errored ?? new Error('the decoder is closed')))
  })
  closed.catch(() => undefined) // of no interest once all is handed over
  for await (const chunk of input) {
    const taken = new Promise<void>((resolve, reject) => {
      decoder.write(chunk, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
    await Promise.race([taken, closed])
  }
  decoder.end()
}

function decompressorFor(compression: Compression): Decompressor | undefined {
  if (compression === 'gzip' && Gunzip.isThere) return new Gunzip()
  return compression === 'zstd' && Unzstd.isThere ? new Unzstd() : undefined
}

/** Of `node:zlib`, where its library cannot be called by others. */
function decoderFor(compression: Compression): Transform | undefined {
  if (compression === 'none') return undefined
  if (compression === 'gzip') return createGunzip({ chunkSize })
  const { createZstdDecompress } = process.getBuiltinModule('node:zlib') as {
    createZstdDecompress?: (options: { chunkSize: number }) => Transform
  }
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize })
  throw new OverlayError(
    'ERR_OVERLAY_UNSUPPORTED',
    `cannot decompress zstd: Node.js ${process.versions.node} has no zstd, and there is no libzstd.so.1; install that (libzstd1, zstd-libs), or Node.js 22.15 and later`,
  )
}

/** The first chunks of a stream, until the magic bytes are among them. */
async function firstBytes(
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ start: Uint8Array; done: boolean }> {
  let start: Uint8Array = Buffer.alloc(0)
  while (start.length < 4) {
    const next = await iterator.next()
    if (next.done === true) return { start, done: true }
    start = start.length === 0 && next.value.length >= 4 ? next.value : Buffer.concat([start, next.value])
  }
  return { start, done: false }
}

async function* rest(
  start: Uint8Array,
  done: boolean,
  iterator: AsyncIterator<Uint8Array>,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  see(start)
  if (start.length > 0) yield start
  while (!done) {
    const next = await iterator.next()
    if (next.done === true) return
    see(next.value)
    yield next.value
  }
}

function damaged(error: unknown): unknown {
  const code = errnoOf(error) ?? ''
  if (!types.isNativeError(error) || !/^(Z_|ZSTD_|ERR_ZSTD)/.test(code)) return error
  return new OverlayError('ERR_OVERLAY_COMPRESSION', `cannot decompress the layer: ${error.message}`, {
    cause: error,
  })
}
