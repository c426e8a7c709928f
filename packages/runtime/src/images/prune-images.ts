import type { LayerStore } from '@ctr/overlay'
import type { ImageStore } from '@ctr/registry'

/** What to remove of images. */
export interface PruneImagesOptions {
  /** Also images that have a name and that no container is made from. Default false. */
  readonly all?: boolean | undefined
  /**
   * Blobs and layers that no image names are left alone while they are younger, in milliseconds: they may belong to a
   * pull under way. Default one hour.
   */
  readonly minAgeMs?: number | undefined
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

/** What {@link pruneLayers} has to do with. */
export interface PruneParts {
  readonly store: ImageStore
  readonly layers: LayerStore
  /** Removes a layer; false when something stands on it. */
  readonly removeLayer: (diffId: string) => Promise<boolean>
}

/**
 * Removes unpacked layers that no image has. What is looked at is listed before the images are: a layer of an image that
 * is named meanwhile is seen to be used.
 */
export async function pruneLayers(
  { store, layers, removeLayer }: PruneParts,
  minAgeMs: number,
): Promise<Pick<PrunedImages, 'layers' | 'bytes'>> {
  const old = [...layers.ages()].filter(([, madeAt]) => Date.now() - madeAt >= minAgeMs)
  const used = new Set((await store.list()).flatMap((image) => image.layers.map(({ diffId }) => diffId)))
  const gone: string[] = []
  let bytes = 0
  for (const [diffId] of old) {
    if (used.has(diffId)) continue
    const size = layerSize(layers, diffId)
    if (!(await removeLayer(diffId))) continue
    gone.push(diffId)
    bytes += size
  }
  return { layers: gone, bytes }
}

/** Bytes of a layer as a plain archive; 0 for one whose description is damaged. */
export function layerSize(layers: LayerStore, diffId: string): number {
  try {
    return layers.get(diffId)?.size ?? 0
  } catch {
    return 0
  }
}
