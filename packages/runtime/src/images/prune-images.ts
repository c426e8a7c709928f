import type { ImageStore, StoredImage } from '@ctr/registry'
import type { ImageLayers } from './image-layers.js'

/** What to remove of images. */
export interface PruneImagesOptions {
  /** Also images that have a name and that no container is made from. Default false. */
  readonly all?: boolean | undefined
  /**
   * Blobs and layers that no image names are left alone while they are younger, in milliseconds: they may belong to a
   * pull under way. Default one hour.
   */
  readonly minAgeMs?: number | undefined
  /** Only these images; blobs and layers that no image names stay then. Default: all. */
  readonly only?: ((image: StoredImage) => boolean) | undefined
}

/** What was removed. */
export interface PrunedImages {
  /** Names that are gone. */
  readonly untagged: readonly string[]
  /** Digests of blobs that are gone. */
  readonly blobs: readonly string[]
  /** Unpacked layers that are gone, by diffID. */
  readonly layers: readonly string[]
  /** Bytes that are free now: of blobs, and of layers as plain archives. */
  readonly bytes: number
}

/** What {@link pruneImages} has to do with. */
export interface PruneParts {
  readonly store: ImageStore
  readonly layers: ImageLayers
  /** Ids of the images that containers are made from. */
  readonly used: readonly string[]
  /** Removes a name, and with the last one the image. */
  readonly remove: (name: string) => Promise<RemovedImage>
}

/** What is gone with a name of an image. */
export interface RemovedImage {
  readonly untagged: readonly string[]
  /** Digests of its blobs. */
  readonly deleted: readonly string[]
}

/** Removes images, blobs and layers that nobody uses. */
export async function pruneImages(
  { store, layers, used, remove }: PruneParts,
  { all = false, minAgeMs = 3_600_000, only }: PruneImagesOptions,
): Promise<PrunedImages> {
  const untagged: string[] = []
  const blobs: string[] = []
  let bytes = 0
  for (const image of all || only !== undefined ? await store.list() : []) {
    const { id, references } = image
    if (used.includes(id) || (references.length > 0 && !all) || only?.(image) === false) continue
    const sizes = blobSizes(image)
    // without `only` those without a name go with the blobs
    for (const name of references.length === 0 && only !== undefined ? [id] : references) {
      const removed = await remove(name)
      untagged.push(...removed.untagged)
      blobs.push(...removed.deleted)
      bytes += removed.deleted.reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0)
    }
  }
  if (only !== undefined) return { untagged, blobs, layers: [], bytes }
  const gone = await store.prune({ minAgeMs, keep: used })
  const unpacked = await layers.prune(minAgeMs)
  return {
    untagged,
    blobs: [...blobs, ...gone.blobs],
    layers: unpacked.layers,
    bytes: bytes + gone.bytes + unpacked.bytes,
  }
}

function blobSizes({ descriptor, manifest }: StoredImage): ReadonlyMap<string, number> {
  return new Map([descriptor, manifest.config, ...manifest.layers].map(({ digest, size }) => [digest, size]))
}
