import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { BlobStore } from '../blobs/blob-store.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseDigest } from '../manifest/digest.js'
import type { ImageConfig, ImageRunConfig } from '../manifest/image-config.js'
import { parseImageConfig } from '../manifest/image-config.js'
import { mediaTypes } from '../manifest/media-types.js'
import { hostPlatform } from '../manifest/platform.js'
import { abortError, isAbortError } from '../abort.js'

/** A layer given as an uncompressed tar archive. */
export interface TarLayer {
  readonly tar: AsyncIterable<Uint8Array>
  /** How it is stored. Default `gzip`. */
  readonly compression?: 'gzip' | 'none' | undefined
}

/** A layer given as a finished blob, stored as it is. */
export interface BlobLayer {
  readonly blob: AsyncIterable<Uint8Array>
  /** How the blob is compressed, such as `application/vnd.oci.image.layer.v1.tar+zstd`. */
  readonly mediaType: string
  /** Digest of the uncompressed tar archive. Not checked here: a wrong one fails when the layer is unpacked. */
  readonly diffId: string
}

/** A layer that another image of the store has. */
export interface StoredLayer {
  readonly descriptor: Descriptor
  readonly diffId: string
}

/** What an image is made of. */
export interface NewImage {
  /** The config without `rootfs`, which the layers give. Platform: this machine's, unless said otherwise. */
  readonly config?: Partial<Omit<ImageConfig, 'rootfs'>> | undefined
  /** From the lowest to the highest. */
  readonly layers: readonly (TarLayer | BlobLayer | StoredLayer)[]
  /** Annotations of the manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/**
 * Stores the blobs of a new image. The same input gives the same digests: nothing of time or machine gets
 * in that is not said.
 */
export async function createImage(
  blobs: BlobStore,
  { config = {}, layers, annotations }: NewImage,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const descriptors: Descriptor[] = []
  const diffIds: string[] = []
  for (const layer of layers) {
    const stored = 'descriptor' in layer ? layer : await storeLayer(blobs, layer, signal)
    descriptors.push(stored.descriptor)
    diffIds.push(stored.diffId)
  }
  const configBytes = encodeConfig(config, diffIds)
  parseImageConfig(configBytes) // what we would not read again, we do not write
  const storedConfig = await blobs.put(configBytes)
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, ...storedConfig },
    layers: descriptors,
    ...(annotations === undefined ? {} : { annotations }),
  }
  const stored = await blobs.put(Buffer.from(JSON.stringify(manifest)))
  return { mediaType: mediaTypes.ociManifest, ...stored }
}

async function storeLayer(
  blobs: BlobStore,
  layer: TarLayer | BlobLayer,
  signal: AbortSignal | undefined,
): Promise<StoredLayer> {
  return 'tar' in layer ? await storeTar(blobs, layer, signal) : await storeBlob(blobs, layer, signal)
}

async function storeTar(
  blobs: BlobStore,
  { tar, compression = 'gzip' }: TarLayer,
  signal: AbortSignal | undefined,
): Promise<StoredLayer> {
  const hash = createHash('sha256')
  const hashed = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of abortable(source, signal)) {
      hash.update(chunk)
      yield chunk
    }
  }
  let stored = { digest: '', size: 0 }
  const sink = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    stored = await blobs.add(source)
  }
  if (compression === 'none') await sink(hashed(tar))
  else await compressed(hashed(tar), sink)
  const mediaType = compression === 'none' ? mediaTypes.ociLayer : mediaTypes.ociLayerGzip
  return { descriptor: { mediaType, ...stored }, diffId: `sha256:${hash.digest('hex')}` }
}

/** Hands a stream, compressed, to `sink`, whose errors come as they are. */
async function compressed(
  source: AsyncIterable<Uint8Array>,
  sink: (source: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  let sinking: Promise<void> | undefined
  const last = (chunks: AsyncIterable<Uint8Array>): Promise<void> => (sinking = sink(chunks))
  const gzip = createGzip({ chunkSize: 256 * 1024 })
  try {
    await pipeline(Readable.from(source, { objectMode: false }), gzip, last)
  } catch (error) {
    // a sink that gives up destroys what it reads, and that speaks first
    if (isAbortError(error)) await sinking
    throw error
  }
}

async function storeBlob(
  blobs: BlobStore,
  { blob, mediaType, diffId }: BlobLayer,
  signal: AbortSignal | undefined,
): Promise<StoredLayer> {
  parseDigest(diffId)
  return { descriptor: { mediaType, ...(await blobs.add(abortable(blob, signal))) }, diffId }
}

async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    if (signal?.aborted === true) throw abortError(signal)
    yield chunk
  }
}

function encodeConfig(config: NonNullable<NewImage['config']>, diffIds: readonly string[]): Buffer {
  const { config: run, history = [], ...others } = config
  const json = {
    ...hostPlatform(),
    ...others,
    config: run === undefined ? {} : encodeRunConfig(run),
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...(history.length === 0 ? {} : { history }),
  }
  return Buffer.from(JSON.stringify(json))
}

/** Sets are written as Go writes them: objects with empty objects. */
function encodeRunConfig({ ExposedPorts, Volumes, ...others }: ImageRunConfig): object {
  const set = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, {}]))
  return {
    ...others,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts: set(ExposedPorts) }),
    ...(Volumes === undefined ? {} : { Volumes: set(Volumes) }),
  }
}
