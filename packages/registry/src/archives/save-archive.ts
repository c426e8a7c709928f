import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { pack, type Pack } from 'tar-stream'
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

/**
 * A tar archive that is both: an OCI layout, and what `docker load` reads. Manifests and layers are in it byte
 * by byte as they are stored; the same images make the same archive.
 */
export function saveArchive(
  blobs: BlobStore,
  images: readonly SavedImage[],
  signal: AbortSignal | undefined,
): Readable {
  const archive = pack()
  void write(archive, blobs, images, signal).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  )
  return Readable.from(archive, { objectMode: false })
}

async function write(
  archive: Pack,
  blobs: BlobStore,
  images: readonly SavedImage[],
  signal: AbortSignal | undefined,
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
  for (const expected of needed.values()) await writeBlob(archive, blobs, expected, signal)
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: images.flatMap(layoutEntries) }
  await writeText(archive, 'index.json', index)
  await writeText(archive, 'manifest.json', images.map(dockerEntry))
  await writeText(archive, 'oci-layout', { imageLayoutVersion: '1.0.0' })
}

function layoutEntries({ content, names }: SavedImage): readonly Descriptor[] {
  const { mediaType, digest, size } = content.index ?? content.descriptor
  if (names.length === 0) return [{ mediaType, digest, size }]
  return names.map((name) => {
    const annotations = {
      [imageNameAnnotation]: formatReference(name),
      ...(name.tag === undefined ? {} : { [nameAnnotation]: name.tag }),
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

async function writeBlob(
  archive: Pack,
  blobs: BlobStore,
  { digest, size }: Expected,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry = archive.entry({ name: pathOf(digest), size, mode: 0o644, mtime: new Date(0) })
  await pipeline(
    blobs.read(digest),
    entry as unknown as NodeJS.WritableStream,
    signal === undefined ? {} : { signal },
  )
}

async function writeText(archive: Pack, name: string, json: unknown): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    archive.entry({ name, mode: 0o644, mtime: new Date(0) }, JSON.stringify(json), (error) =>
      error ? reject(error) : resolve(),
    )
  })
}

function pathOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}
