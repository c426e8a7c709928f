import { open } from 'node:fs/promises'
import type { BlobStore } from '../blobs/blob-store.js'
import { io } from '../blobs/durable.js'
import type { Expected } from '../blobs/verify.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseImageConfig, type ImageConfig } from '../manifest/image-config.js'
import { objectAt, stringAt, stringsAt } from '../manifest/json-shape.js'
import { mediaTypes } from '../manifest/media-types.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import type { Reference } from '../reference/reference.js'
import { platformOf } from '../store/entry-names.js'
import { damaged, shown, type ArchiveContent } from './archive-content.js'
import { compressionOf } from './compression.js'
import { nameIn, type FoundImage } from './found-image.js'

/** One image of a `manifest.json`, as `docker save` writes it. */
interface DockerImage {
  readonly config: string
  readonly layers: readonly string[]
  readonly names: readonly Reference[]
}

/** Images of a `docker save` archive; `undefined` when it is none. */
export async function dockerImages(
  blobs: BlobStore,
  content: ArchiveContent,
): Promise<readonly FoundImage[] | undefined> {
  const images = await readManifests(content)
  if (images === undefined) return undefined
  const found: FoundImage[] = []
  for (const { config, layers, names } of images) {
    const stored = content.get(config)
    const parsed = parseImageConfig(await blobs.bytes(stored, maxManifestBytes))
    const descriptor = await assemble(
      blobs,
      { stored, parsed },
      layers.map((name) => content.get(name)),
    )
    found.push({ descriptor, names })
  }
  return found
}

/** Names by the digest of the config. */
export async function dockerNames(
  content: ArchiveContent,
): Promise<ReadonlyMap<string, readonly Reference[]>> {
  const images = (await readManifests(content)) ?? []
  return new Map(
    images.flatMap(({ config, names }) => {
      const digest = content.find(config)?.digest
      return digest === undefined ? [] : [[digest, names] as const]
    }),
  )
}

/** Stores a manifest for a config and layers that are stored. Layers stay compressed or not, as they came. */
export async function assemble(
  blobs: BlobStore,
  { stored, parsed }: { readonly stored: Expected; readonly parsed: ImageConfig },
  layers: readonly Expected[],
): Promise<Descriptor> {
  const diffIds = parsed.rootfs.diff_ids
  if (diffIds.length !== layers.length)
    throw damaged(`image ${stored.digest} has ${layers.length} layers, its config ${diffIds.length}`)
  const descriptors: Descriptor[] = []
  for (const [n, { digest, size }] of layers.entries()) {
    const mediaType = await layerType(blobs, digest)
    if (mediaType === mediaTypes.ociLayer && digest !== diffIds[n])
      throw damaged(`layer ${n + 1} of image ${stored.digest} must be ${diffIds[n]!}, but is ${digest}`)
    descriptors.push({ mediaType, digest, size })
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: stored.digest, size: stored.size },
    layers: descriptors,
  }
  const bytes = await blobs.put(Buffer.from(JSON.stringify(manifest)))
  return { mediaType: mediaTypes.ociManifest, ...bytes, platform: platformOf(parsed) }
}

async function readManifests(content: ArchiveContent): Promise<readonly DockerImage[] | undefined> {
  const bytes = await content.read('manifest.json')
  if (bytes === undefined) return undefined
  let json: unknown
  try {
    json = JSON.parse(bytes.toString('utf8'))
  } catch {
    json = undefined
  }
  if (!Array.isArray(json)) throw damaged('its manifest.json is no list')
  return json.map((item: unknown, n) => {
    const at = `manifest.json[${n}]`
    const { Config: config, Layers: layers, RepoTags: tags } = objectAt(item, at)
    const names = stringsAt(tags, `${at}.RepoTags`).map((tag) => {
      const name = nameIn(tag)
      if (name === undefined) throw damaged(`${shown(tag)} is no name of an image`)
      return name
    })
    return { config: stringAt(config, `${at}.Config`), layers: stringsAt(layers, `${at}.Layers`), names }
  })
}

async function layerType(blobs: BlobStore, digest: string): Promise<string> {
  const start = await io(`read blob ${digest}`, async () => {
    const file = await open(blobs.pathOf(digest), 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  })
  const compression = compressionOf(start)
  if (compression === 'gzip') return mediaTypes.ociLayerGzip
  if (compression === 'zstd') return mediaTypes.ociLayerZstd
  if (compression === 'none') return mediaTypes.ociLayer
  throw damaged(`layer ${digest} is compressed with ${compression}: only gzip and zstd are read`)
}
