import { pipeline, Readable, type Duplex } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { RegistryError } from '../errors.js'
import { compressionOf } from './compression.js'

const chunkSize = 256 * 1024

/**
 * The bytes of an archive that may be compressed with gzip or zstd, as its first bytes say.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_ARCHIVE`: another compression, or zstd on a Node.js without it.
 */
export async function decompressed(source: AsyncIterable<Uint8Array>): Promise<Readable> {
  const iterator = source[Symbol.asyncIterator]()
  const start: Uint8Array[] = []
  let isDone = false
  while (!isDone && start.reduce((sum, { length }) => sum + length, 0) < 6) {
    const next = await iterator.next()
    if (next.done === true) isDone = true
    else start.push(next.value)
  }
  const rest = async function* (): AsyncGenerator<Uint8Array, void> {
    try {
      yield* start
      if (!isDone)
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
          yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  const input = Readable.from(rest(), { objectMode: false })
  const decoder = decoderFor(Buffer.concat(start))
  return decoder === undefined ? input : pipeline(input, decoder, () => undefined) // errors are those of the result
}

function decoderFor(start: Uint8Array): Duplex | undefined {
  const compression = compressionOf(start)
  if (compression === 'none') return undefined
  if (compression === 'gzip') return createGunzip({ chunkSize })
  const { createZstdDecompress } = process.getBuiltinModule('node:zlib') as {
    createZstdDecompress?: (options: { chunkSize: number }) => Duplex
  }
  if (compression === 'zstd' && createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize })
  const reason =
    compression === 'zstd' ? `Node.js ${process.versions.node} has no zstd` : 'only gzip and zstd are read'
  throw new RegistryError(
    'ERR_REGISTRY_ARCHIVE',
    `cannot read an archive compressed with ${compression}: ${reason}; decompress it before`,
  )
}
