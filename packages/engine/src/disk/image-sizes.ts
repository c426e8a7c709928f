import type { StoredImage } from '@ctr/registry'

/** Bytes of unpacked layers, by diffID. */
export type LayerSizes = ReadonlyMap<string, number>

/** Bytes of all layers of an image as they are here, unpacked: what Docker calls its size. */
export function imageSize({ layers }: StoredImage, sizes: LayerSizes): number {
  return layers.reduce((sum, { diffId }) => sum + (sizes.get(diffId) ?? 0), 0)
}

/** Of that, layers that other images have, too. */
export function sharedSize(image: StoredImage, all: readonly StoredImage[], sizes: LayerSizes): number {
  const others = all.filter(({ id }) => id !== image.id)
  const theirs = new Set(others.flatMap(({ layers }) => layers.map(({ diffId }) => diffId)))
  const shared = image.layers.filter(({ diffId }) => theirs.has(diffId))
  return imageSize({ ...image, layers: shared }, sizes)
}

/** Bytes of different layers together. */
export function layersSize(sizes: LayerSizes): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
