import type { BlobStore } from '../blobs/blob-store.js'
import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { formatPlatform, selectPlatform, type Platform } from '../manifest/platform.js'
import { platformOf } from './entry-names.js'
import { sourceAnnotation } from './layout-index.js'
import { readImage } from './stored-image.js'

/** Annotation by which attestations of builders say which image of their index they are of. */
const ofImage = 'vnd.docker.reference.digest'

interface RawEntry {
  readonly digest: string
  readonly platform?: { readonly os?: unknown }
  readonly annotations?: Readonly<Record<string, unknown>>
}

/**
 * An entry without one of its platforms: of an image that is here with several, an index of the others, which is stored.
 *
 * @returns `undefined` when nothing is left.
 * @throws {@link RegistryError} `ERR_REGISTRY_NO_PLATFORM`: it has none for this very platform, or not by itself.
 */
export async function withoutPlatform(
  blobs: BlobStore,
  entry: Descriptor,
  platform: Platform,
): Promise<Descriptor | undefined> {
  const { descriptor, config, index } = await readImage(blobs, entry, platform)
  // what fits is not always what was named: arm/v7 runs v6
  if (selectPlatform([{ platform }], platformOf(config)) === undefined)
    throw lacking(entry, platform, 'it has none for')
  if (index === undefined) return undefined
  const document = JSON.parse((await blobs.bytes(entry, maxManifestBytes)).toString('utf8')) as {
    readonly manifests: readonly RawEntry[]
  }
  const left = document.manifests.filter(
    ({ digest, annotations }) => digest !== descriptor.digest && annotations?.[ofImage] !== descriptor.digest,
  )
  if (left.length === document.manifests.length)
    throw lacking(entry, platform, 'in an index of its own it has that for')
  if (!left.some(({ platform: one }) => one?.os !== undefined && one.os !== 'unknown')) return undefined
  const stored = await blobs.put(Buffer.from(JSON.stringify({ ...document, manifests: left })))
  const source = entry.annotations?.[sourceAnnotation] ?? entry.digest
  return { ...entry, ...stored, annotations: { ...entry.annotations, [sourceAnnotation]: source } }
}

function lacking({ digest }: Descriptor, platform: Platform, why: string): RegistryError {
  return new RegistryError(
    'ERR_REGISTRY_NO_PLATFORM',
    `cannot remove one platform of image ${digest}: ${why} ${formatPlatform(platform)}`,
  )
}
