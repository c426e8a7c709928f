import type { ContainerRecord } from './record.js'

/** Ids of the images that a container needs: its own, and those that are mounted in it. */
export function imagesOf({
  imageId,
  mounts,
}: Pick<ContainerRecord, 'imageId' | 'mounts'>): readonly string[] {
  const mounted = mounts.filter(({ layers }) => layers !== undefined).map(({ source }) => source)
  return imageId === null ? mounted : [imageId, ...mounted]
}
