import type { BlobStore } from '../blobs/blob-store.js'
import { isRegistryError, RegistryError } from '../errors.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { formatPlatform, type Platform } from '../manifest/platform.js'
import { platformOf } from '../store/entry-names.js'
import { readImage } from '../store/stored-image.js'
import { walkDocuments } from '../store/walk-documents.js'
import { damaged, type ArchiveContent } from './archive-content.js'
import { dockerImages } from './docker-archive.js'
import type { FoundImage } from './found-image.js'
import { legacyImages } from './legacy-archive.js'
import { ociImages } from './oci-archive.js'

/**
 * The images of an archive whose files are stored, whatever kind it is; of one that is of several kinds, as
 * Docker's are, the OCI layout goes first, because it has the manifests as they were.
 *
 * @param platform - Those for it alone; of an image with several the others need not be there.
 */
export async function imagesOf(
  blobs: BlobStore,
  content: ArchiveContent,
  platform?: Platform,
): Promise<readonly FoundImage[]> {
  const all =
    (await ociImages(blobs, content)) ??
    (await dockerImages(blobs, content)) ??
    (await legacyImages(blobs, content))
  if (all === undefined)
    throw damaged(
      'it is neither an OCI layout nor an archive of docker save: index.json, manifest.json and repositories are missing',
    )
  if (all.length === 0) throw damaged('it holds no image')
  const images = platform === undefined ? all : await forPlatform(blobs, all, platform)
  for (const { descriptor } of images) {
    await checkWhole(blobs, descriptor)
    await readImage(blobs, descriptor) // what is no image we would name and never read
  }
  return images
}

/** @throws {@link RegistryError} `ERR_REGISTRY_NO_PLATFORM`: there is none. */
async function forPlatform(
  blobs: BlobStore,
  all: readonly FoundImage[],
  platform: Platform,
): Promise<readonly FoundImage[]> {
  const found: FoundImage[] = []
  let failure: unknown
  for (const { descriptor, names } of all) {
    try {
      const image = await readImage(blobs, descriptor, platform)
      found.push({ names, descriptor: { ...image.descriptor, platform: platformOf(image.config) } })
    } catch (error) {
      if (!isRegistryError(error) || error.code !== 'ERR_REGISTRY_NO_PLATFORM') throw error
      failure = error
    }
  }
  if (found.length > 0) return found
  throw new RegistryError(
    'ERR_REGISTRY_NO_PLATFORM',
    `cannot load an image for ${formatPlatform(platform)}: the archive has none`,
    { cause: failure },
  )
}

/** Everything that an image refers to must be there, in the size that it says. */
async function checkWhole(blobs: BlobStore, descriptor: FoundImage['descriptor']): Promise<void> {
  const documents = await walkDocuments(`image ${descriptor.digest}`, descriptor, (inner) =>
    blobs.bytes(inner, maxManifestBytes),
  )
  for (const blob of documents.flatMap((document) => document.blobs)) {
    const size = await blobs.sizeOf(blob.digest)
    if (size === blob.size) continue
    throw new RegistryError(
      size === undefined ? 'ERR_REGISTRY_NO_BLOB' : 'ERR_REGISTRY_SIZE_MISMATCH',
      `cannot load image ${descriptor.digest}: blob ${blob.digest} must have ${blob.size} bytes, ${size === undefined ? 'and the archive lacks it' : `but has ${size}`}`,
    )
  }
}
