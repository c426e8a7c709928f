import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { types } from 'node:util'
import { abortError, errnoOf, OverlayError } from '../errors.js'

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
 *   on a Node.js without it (before 22.15 and 23.8). Errors of the source and of `consume` come as they are.
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
    await Promise.race([run(iterator, consume, work.signal), aborted])
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
  iterator: AsyncIterator<Uint8Array>,
  consume: Consume,
  signal: AbortSignal,
): Promise<void> {
  const { start, done } = await firstBytes(iterator)
  let compressedBytes = 0
  const input = Readable.from(rest(start, done, iterator, (chunk) => (compressedBytes += chunk.length)))
  // leaving the loop destroys the decoder, whose AbortError would hide what `consume` threw
  let failure: { readonly error: unknown } | undefined
  const sink = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) {
      if (signal.aborted) return // nobody waits for this any more
      try {
        await consume(chunk, compressedBytes)
      } catch (error) {
        failure = { error }
        throw error
      }
    }
  }
  const decoder = decoderFor(compressionOf(start))
  try {
    if (decoder === undefined) await pipeline(input, sink, { signal })
    else await pipeline(input, decoder, sink, { signal })
  } catch (error) {
    if (failure === undefined) throw error
    throw failure.error
  }
}

function decoderFor(compression: Compression): Transform | undefined {
  if (compression === 'none') return undefined
  if (compression === 'gzip') return createGunzip({ chunkSize })
  const { createZstdDecompress } = process.getBuiltinModule('node:zlib') as {
    createZstdDecompress?: (options: { chunkSize: number }) => Transform
  }
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize })
  throw new OverlayError(
    'ERR_OVERLAY_UNSUPPORTED',
    `cannot decompress zstd: Node.js ${process.versions.node} has no zstd, 22.15 and later and 23.8 and later have it`,
  )
}

/** The first chunks of a stream, until the magic bytes are among them. */
async function firstBytes(
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ start: Uint8Array; done: boolean }> {
  const chunks: Uint8Array[] = []
  for (let length = 0; length < 4;) {
    const next = await iterator.next()
    if (next.done === true) return { start: Buffer.concat(chunks), done: true }
    chunks.push(next.value)
    length += next.value.length
  }
  return { start: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), done: false }
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
