import type { Descriptor } from '../manifest/descriptor.js'
import type { ImageConfig } from '../manifest/image-config.js'
import { isIndexType } from '../manifest/media-types.js'
import type { Platform } from '../manifest/platform.js'
import { fullName, readable } from './find-image.js'
import { nameOf, renamed, sourceAnnotation } from './layout-index.js'
import type { ImageContent, StoredImage } from './stored-image.js'

/** What an image says it runs on. */
export function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

/** The entries with one more; what had its name is nameless now. */
export function withName(entries: readonly Descriptor[], added: Descriptor): readonly Descriptor[] {
  const name = nameOf(added)
  return [...entries.map((entry) => (fullName(entry) === name ? renamed(entry, undefined) : entry)), added]
}

/** An image with the names that entries give it. */
export function withNames(
  content: ImageContent,
  entry: Descriptor,
  entries: readonly Descriptor[],
): StoredImage {
  const same = entries.filter(({ digest }) => digest === entry.digest)
  const digests = same.flatMap((item) => {
    const source =
      item.annotations?.[sourceAnnotation] ?? (isIndexType(item.mediaType) ? item.digest : undefined)
    const name = readable(nameOf(item) ?? '')
    return source === undefined || name === undefined ? [] : [`${name.registry}/${name.repository}@${source}`]
  })
  return {
    ...content,
    references: same.flatMap((item) => fullName(item) ?? []),
    repositoryDigests: [...new Set(digests)],
  }
}
