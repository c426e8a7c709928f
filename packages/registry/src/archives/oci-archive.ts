import type { BlobStore } from '../blobs/blob-store.js'
import { parseDescriptor } from '../manifest/descriptor.js'
import { listAt, parseJsonObject } from '../manifest/json-shape.js'
import { isImageConfigType, isIndexType, isManifestType } from '../manifest/media-types.js'
import { isIndex, maxManifestBytes, parseManifest } from '../manifest/manifest.js'
import { nameAnnotation } from '../store/layout-index.js'
import { damaged, type ArchiveContent } from './archive-content.js'
import { dockerNames } from './docker-archive.js'
import { imageNameAnnotation, nameIn, type FoundImage } from './found-image.js'

/** Images of an OCI layout, which Docker writes too since version 25; `undefined` when there is none. */
export async function ociImages(
  blobs: BlobStore,
  content: ArchiveContent,
): Promise<readonly FoundImage[] | undefined> {
  const [layout, index] = [await content.read('oci-layout'), await content.read('index.json')]
  if (layout === undefined || index === undefined) return undefined
  const version = parseJsonObject(layout.toString('utf8'), 'oci-layout')['imageLayoutVersion']
  if (version !== '1.0.0') throw damaged(`its layout version must be 1.0.0, got ${JSON.stringify(version)}`)
  const docker = await dockerNames(content)
  const images = new Map<string, FoundImage>()
  const entries = listAt(
    parseJsonObject(index.toString('utf8'), 'index.json')['manifests'],
    'index.json manifests',
  )
  for (const [n, json] of entries.entries()) {
    const entry = parseDescriptor(json, `index.json manifests[${n}]`)
    if (!isManifestType(entry.mediaType) && !isIndexType(entry.mediaType)) continue // of another kind of thing
    const document = parseManifest(await blobs.bytes(entry, maxManifestBytes), entry.mediaType)
    if (!isIndex(document) && !isImageConfigType(document.config.mediaType)) continue // signatures and the like
    const known = images.get(entry.digest)
    const own =
      nameIn(entry.annotations?.[imageNameAnnotation]) ?? nameIn(entry.annotations?.[nameAnnotation])
    const names =
      own === undefined ? (isIndex(document) ? [] : (docker.get(document.config.digest) ?? [])) : [own]
    const { annotations: _, ...descriptor } = entry
    images.set(entry.digest, { descriptor, names: [...(known?.names ?? []), ...names] })
  }
  return [...images.values()]
}
