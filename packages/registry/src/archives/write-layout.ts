import type { BlobStore } from '../blobs/blob-store.js'
import type { Expected } from '../blobs/verify.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'
import { fullName, readable, type Found } from '../store/find-image.js'
import { nameAnnotation } from '../store/layout-index.js'
import type { ImageContent } from '../store/stored-image.js'
import { walkDocuments } from '../store/walk-documents.js'
import { imageNameAnnotation } from './found-image.js'

/** An image to save, with the names it is to have. */
export interface SavedImage {
  readonly content: ImageContent
  readonly names: readonly Reference[]
}

/**
 * What is written: `oci` is an OCI image layout, whose entries have their whole names; `docker` is that and what
 * `docker load` reads, and names have Docker's form: the tag where OCI's belong, the whole name beside it.
 */
export type SaveFormat = 'docker' | 'oci'

/** Where a layout is written to. */
export interface LayoutTarget {
  blob(path: string, expected: Expected): Promise<void>
  file(path: string, text: string): Promise<void>
}

/** Images by what was asked for: each once, with the names it was asked for by. */
export async function savedImages(
  found: readonly Found[],
  read: (entry: Descriptor) => Promise<ImageContent>,
): Promise<readonly SavedImage[]> {
  const images = new Map<string, SavedImage>()
  for (const { kind, entries } of found) {
    const entry = entries[0]!
    const known = images.get(entry.digest) ?? { content: await read(entry), names: [] }
    const name = kind === 'name' ? readable(fullName(entry) ?? '') : undefined
    images.set(entry.digest, { ...known, names: [...known.names, ...(name === undefined ? [] : [name])] })
  }
  return [...images.values()]
}

/** Writes images: every blob once, then what names them. Manifests and layers are byte by byte as they are stored. */
export async function writeLayout(
  target: LayoutTarget,
  blobs: BlobStore,
  images: readonly SavedImage[],
  format: SaveFormat,
): Promise<void> {
  const needed = new Map<string, Expected>()
  for (const { content } of images) {
    const name = `image ${content.descriptor.digest}`
    const documents = await walkDocuments(name, content.index ?? content.descriptor, (descriptor) =>
      blobs.bytes(descriptor, maxManifestBytes),
    )
    for (const { descriptor, blobs: own } of documents)
      for (const { digest, size } of [...own, descriptor]) needed.set(digest, { digest, size })
  }
  for (const expected of needed.values()) await target.blob(pathOf(expected.digest), expected)
  const manifests = images.flatMap((image) => layoutEntries(image, format))
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  await target.file('index.json', JSON.stringify(index))
  if (format === 'docker') await target.file('manifest.json', JSON.stringify(images.map(dockerEntry)))
  await target.file('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}

function layoutEntries({ content, names }: SavedImage, format: SaveFormat): readonly Descriptor[] {
  const { mediaType, digest, size } = content.index ?? content.descriptor
  if (names.length === 0) return [{ mediaType, digest, size }]
  return names.map((name) => {
    const own = format === 'oci' ? formatReference(name) : name.tag
    const annotations = {
      [imageNameAnnotation]: formatReference(name),
      ...(own === undefined ? {} : { [nameAnnotation]: own }),
    }
    return { mediaType, digest, size, annotations }
  })
}

function dockerEntry({ content: { manifest }, names }: SavedImage): object {
  const tags = names.filter(({ digest }) => digest === undefined)
  return {
    Config: pathOf(manifest.config.digest),
    // in full: of a short one Docker makes docker.io/…, podman localhost/…
    RepoTags: tags.length === 0 ? null : tags.map((name) => formatReference(name)),
    Layers: manifest.layers.map(({ digest }) => pathOf(digest)),
  }
}

function pathOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}
