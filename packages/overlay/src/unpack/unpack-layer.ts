import { closeSync, openSync } from 'node:fs'
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, Sha256 } from '@ctr/linux'
import { ArchiveReader, type EntryHandler } from '../archive/archive-reader.js'
import type { LayerLimits } from '../archive/limits.js'
import { OverlayError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { inheritNothing } from '../files/inherit-nothing.js'
import { pathOfFd } from '../files/open-in.js'
import { decompress } from './decompress.js'
import { LayerWriter } from './layer-writer.js'
import { layerRules } from './writer-rules.js'

/** What an unpacked layer turned out to be. */
export interface UnpackedLayer {
  /** `sha256:` and the hash of the uncompressed tar. */
  readonly diffId: string
  /** Bytes of the uncompressed tar. */
  readonly size: number
  /** Files, folders and links, implied folders included. */
  readonly entries: number
  /** True when the layer hides everything below it. */
  readonly opaqueRoot: boolean
}

/** Settings of {@link unpackLayer}. */
export interface UnpackOptions {
  readonly limits: LayerLimits
  readonly signal?: AbortSignal | undefined
  readonly namespace?: StoreUserNamespace | undefined
  /** `'plain'`: names that are whiteouts in a layer are names like any other. Default `'overlay'`. */
  readonly whiteouts?: 'overlay' | 'plain' | undefined
}

/**
 * Unpacks one layer into an empty folder. Nothing is ever written outside of it; when this throws, the folder
 * holds a part, and the caller removes it.
 */
export async function unpackLayer(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  { limits, signal, namespace, whiteouts = 'overlay' }: UnpackOptions,
): Promise<UnpackedLayer> {
  const root = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  using hash = new Sha256()
  try {
    inheritNothing(pathOfFd(root))
    const writer = new LayerWriter(root, limits, namespace, { ...layerRules, whiteouts })
    const { size, opaqueRoot } = await unpackWith(writer, source, {
      limits,
      signal,
      handler: (entry) => writer.write(entry),
      see: (chunk) => hash.update(chunk),
    })
    return { diffId: `sha256:${hash.digest()}`, size, entries: writer.entries, opaqueRoot }
  } finally {
    closeSync(root)
  }
}

/**
 * Reads an archive, compressed or not, and has what `handler` hands to the writer written. Closes the writer.
 *
 * @param see - Sees the bytes of the tar, while a thread of the pool writes.
 */
export async function unpackWith(
  writer: LayerWriter,
  source: AsyncIterable<Uint8Array>,
  {
    limits,
    signal,
    handler,
    see,
  }: {
    readonly limits: LayerLimits
    readonly signal?: AbortSignal | undefined
    readonly handler: EntryHandler
    readonly see?: (chunk: Uint8Array) => Promise<void>
  },
): Promise<{ readonly size: number; readonly opaqueRoot: boolean }> {
  const reader = new ArchiveReader(handler)
  let size = 0
  let seen: Promise<void> | undefined
  try {
    await decompress(
      source,
      async (chunk, compressedBytes) => {
        size += chunk.length
        checkSize(size, compressedBytes, limits)
        reader.write(chunk)
        // what was seen last is awaited only now, so that meanwhile the next chunk is decompressed
        await seen
        seen = see?.(chunk)
        seen?.catch(() => undefined) // told by the next await
        await writer.flush()
      },
      signal,
    )
    await seen
    reader.end()
    return { size, ...(await writer.finish()) }
  } finally {
    reader.destroy()
    await writer.close()
  }
}

/** A layer of fewer bytes may have any ratio: it harms nobody, and small ones of zeros are usual. */
const anyRatio = 64 * 2 ** 20

function checkSize(size: number, compressedBytes: number, { bytes, ratio }: LayerLimits): void {
  if (size > bytes) {
    throw new OverlayError('ERR_OVERLAY_LIMIT', `cannot unpack the layer: it has more than ${bytes} bytes`)
  }
  if (size - anyRatio > compressedBytes * ratio) {
    throw new OverlayError(
      'ERR_OVERLAY_LIMIT',
      `cannot unpack the layer: ${compressedBytes} compressed bytes become more than ${size}, ${ratio} for one are the most`,
    )
  }
}
