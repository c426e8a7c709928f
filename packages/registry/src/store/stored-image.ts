import type { Readable } from 'node:stream'
import type { BlobStore } from '../blobs/blob-store.js'
import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseImageConfig, type ImageConfig } from '../manifest/image-config.js'
import { isIndex, maxManifestBytes, parseManifest, type ImageManifest } from '../manifest/manifest.js'
import { formatPlatform, hostPlatform, selectPlatform, type Platform } from '../manifest/platform.js'

/** One layer of a stored image. */
export interface ImageLayer {
  /** The blob as it is stored, usually compressed: `mediaType` says how. */
  readonly descriptor: Descriptor
  /** Digest of the uncompressed tar archive, as the image's config promises it. Whoever unpacks checks it. */
  readonly diffId: string
  /** The blob's file. Belongs to the store: read it only. */
  readonly path: string
  /** The blob's bytes. They were checked when they were stored. */
  open(): Readable
}

/** An image of a store, read and checked. */
export interface StoredImage {
  /** Digest of the config: the image's id in Docker's sense. */
  readonly id: string
  /** The manifest's descriptor. */
  readonly descriptor: Descriptor
  /** The index with all platforms that the name stands for, when all are here. */
  readonly index?: Descriptor
  /** All names of the image, in full: `docker.io/library/busybox:latest`. */
  readonly references: readonly string[]
  /** `repository@digest` for the registries it came from. */
  readonly repositoryDigests: readonly string[]
  readonly manifest: ImageManifest
  readonly config: ImageConfig
  /** From the lowest to the highest. */
  readonly layers: readonly ImageLayer[]
  /** Bytes in the store: manifest, config and layers. */
  readonly size: number
}

/** What a manifest in a store says, before names come into it. */
export type ImageContent = Omit<StoredImage, 'references' | 'repositoryDigests'>

/**
 * Reads an image from its manifest, or from an index that has one for the platform.
 *
 * @param platform - Default: this machine's, else the first that the index has an image for.
 */
export async function readImage(
  blobs: BlobStore,
  descriptor: Descriptor,
  platform?: Platform,
): Promise<ImageContent> {
  const document = parseManifest(await blobs.bytes(descriptor, maxManifestBytes), descriptor.mediaType)
  if (!isIndex(document)) {
    const image = await withConfig(blobs, descriptor, document)
    if (platform !== undefined && selectPlatform([{ platform: image.config }], platform) === undefined)
      throw lacking(descriptor, formatPlatform(platform))
    return image
  }
  const entry =
    selectPlatform(document.manifests, platform ?? hostPlatform()) ??
    (platform === undefined ? document.manifests.find(isRunnable) : undefined)
  if (entry === undefined)
    throw lacking(descriptor, platform === undefined ? 'this machine' : formatPlatform(platform))
  const { mediaType, digest, size } = descriptor
  const index = { mediaType, digest, size }
  const inner = parseManifest(await blobs.bytes(entry, maxManifestBytes), entry.mediaType)
  const image = isIndex(inner)
    ? await readImage(blobs, entry, platform)
    : await withConfig(blobs, entry, inner)
  return { ...image, index }
}

/** Attestations stand in indexes as images of an unknown platform. */
function isRunnable({ platform }: Descriptor): boolean {
  return platform !== undefined && platform.os !== 'unknown'
}

function lacking({ digest }: Descriptor, wanted: string): RegistryError {
  return new RegistryError(
    'ERR_REGISTRY_NO_PLATFORM',
    `cannot read image ${digest}: it has none for ${wanted}`,
  )
}

/** Checks that a config has a diff id for each layer. */
export function checkLayers(manifest: ImageManifest, config: ImageConfig, what: string): void {
  const { diff_ids: diffIds } = config.rootfs
  if (diffIds.length === manifest.layers.length) return
  throw new RegistryError(
    'ERR_REGISTRY_BAD_MANIFEST',
    `cannot use image ${what}: its manifest has ${manifest.layers.length} layers, its config ${diffIds.length}`,
  )
}

async function withConfig(
  blobs: BlobStore,
  entry: Descriptor,
  manifest: ImageManifest,
): Promise<ImageContent> {
  const descriptor = { mediaType: manifest.mediaType, digest: entry.digest, size: entry.size }
  const config = parseImageConfig(await blobs.bytes(manifest.config, maxManifestBytes))
  checkLayers(manifest, config, descriptor.digest)
  const layers = manifest.layers.map((layer, n) => ({
    descriptor: layer,
    diffId: config.rootfs.diff_ids[n]!,
    path: blobs.pathOf(layer.digest),
    open: () => blobs.read(layer.digest),
  }))
  const size = [descriptor, manifest.config, ...manifest.layers].reduce((sum, item) => sum + item.size, 0)
  return { id: manifest.config.digest, descriptor, manifest, config, layers, size }
}
