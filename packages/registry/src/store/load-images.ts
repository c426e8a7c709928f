import type { ArchiveContent } from '../archives/archive-content.js'
import { imagesOf } from '../archives/load-archive.js'
import type { BlobStore } from '../blobs/blob-store.js'
import { parsePlatform } from '../manifest/platform.js'
import { storedName } from './find-image.js'
import { removedMeanwhile } from './in-rounds.js'
import type { LayoutIndex } from './layout-index.js'
import type { NamedImages } from './named-images.js'
import { removeUnused } from './remove-image.js'
import type { LoadedImage, LoadOptions } from './store-options.js'
import type { StoredImage } from './stored-image.js'

/** The parts of a store that images are loaded into. */
export interface LoadTarget {
  readonly blobs: BlobStore
  readonly index: LayoutIndex
  readonly images: NamedImages
}

/**
 * Enters the images of an archive or a layout. When it turns out to be damaged, none of them is named and nothing of it
 * is left.
 *
 * @param read - Stores its files as blobs, and tells which in `added`, also when it fails.
 */
export async function loadImages(
  { blobs, index, images }: LoadTarget,
  { signal, platform }: Pick<LoadOptions, 'signal' | 'platform'>,
  read: (added: Set<string>) => Promise<ArchiveContent>,
): Promise<readonly LoadedImage[]> {
  const added = new Set<string>()
  try {
    const content = await read(added)
    const found = await imagesOf(
      blobs,
      content,
      typeof platform === 'string' ? parsePlatform(platform) : platform,
    )
    const loaded: LoadedImage[] = []
    for (const { descriptor, names } of found) {
      let image: StoredImage | undefined
      for (const name of names.length === 0 ? [undefined] : names) {
        image = await images.enter(descriptor, name, signal)
        if (image === undefined) throw removedMeanwhile(`load image ${descriptor.digest}`)
      }
      loaded.push({ ...image!, loadedNames: names.map(storedName) })
    }
    return loaded
  } finally {
    await index.update(undefined, async (entries) => {
      await removeUnused(blobs, [...added], entries)
      return undefined
    })
  }
}
