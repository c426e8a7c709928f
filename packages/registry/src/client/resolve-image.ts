import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { isIndex, type ImageIndex, type ImageManifest } from '../manifest/manifest.js'
import { isImageConfigType } from '../manifest/media-types.js'
import { formatPlatform, selectPlatform, type Platform } from '../manifest/platform.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'
import { fetchManifest, type FetchedManifest } from './fetch-manifest.js'
import type { Session } from './session.js'

/** Indexes of indexes are followed this deep. */
const maxDepth = 4

/** A reference resolved to one image. */
export interface ResolvedImage {
  readonly reference: Reference
  /** What the reference itself names: an index, or the manifest. */
  readonly source: FetchedManifest
  /** The manifest of the wanted platform. */
  readonly descriptor: Descriptor
  readonly bytes: Buffer
  readonly manifest: ImageManifest
}

/** Follows a reference through indexes to the image for a platform; see `RegistryClient.resolve`. */
export async function resolveImage(
  session: Session,
  reference: Reference,
  platform: Platform,
  signal: AbortSignal | undefined,
): Promise<ResolvedImage> {
  const source = await fetchManifest(session, reference, signal)
  let current = source
  for (let depth = 0; isIndex(current.document); depth++) {
    const shown = formatReference(reference)
    if (depth === maxDepth) {
      throw new RegistryError(
        'ERR_REGISTRY_BAD_MANIFEST',
        `cannot resolve ${shown}: more than ${maxDepth} indexes inside each other`,
      )
    }
    const entry = pick(current.document, platform, shown)
    const { registry, repository } = reference
    current = await fetchManifest(session, { registry, repository, digest: entry.digest }, signal, entry)
  }
  const { descriptor, bytes, document } = current
  if (!isImageConfigType(document.config.mediaType)) {
    throw new RegistryError(
      'ERR_REGISTRY_BAD_MANIFEST',
      `cannot resolve ${formatReference(reference)}: it is no container image but an artifact with a config of type ${JSON.stringify(document.config.mediaType)}`,
    )
  }
  return { reference, source, descriptor, bytes, manifest: document }
}

function pick({ manifests }: ImageIndex, platform: Platform, shown: string): Descriptor {
  const fitting = selectPlatform(manifests, platform)
  if (fitting !== undefined) return fitting
  const unnamed = manifests.filter((entry) => entry.platform === undefined)
  if (unnamed.length === 1 && manifests.length === 1) return unnamed[0]!
  const offered = manifests.flatMap((entry) =>
    entry.platform === undefined ? [] : [formatPlatform(entry.platform)],
  )
  const known = [...new Set(offered)].filter((name) => !name.startsWith('unknown/')).slice(0, 20)
  throw new RegistryError(
    'ERR_REGISTRY_NO_PLATFORM',
    `cannot resolve ${shown}: it has no image for ${formatPlatform(platform)}, only for ${known.join(', ') || 'none'}`,
  )
}
