import { isRegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { present } from '../manifest/json-shape.js'
import { isIndex, parseManifest, type ImageIndex, type ImageManifest } from '../manifest/manifest.js'
import { ApiError } from './api-error.js'
import { isDeeperThan } from './json-depth.js'
import type { NewManifest, Repositories } from './repositories.js'

/** Deeper than any manifest; annotations and descriptors end at 4. */
const maxDepth = 32

/** Reads a manifest that was pushed, or answers what is wrong with it. */
export function readDocument(bytes: Buffer, contentType: string | undefined): ImageManifest | ImageIndex {
  if (isDeeperThan(maxDepth, bytes)) {
    throw new ApiError(400, 'MANIFEST_INVALID', `a manifest is nested at most ${maxDepth} deep`)
  }
  const servedAs = contentType?.split(';')[0]!.trim()
  try {
    const document = parseManifest(bytes, servedAs)
    if (servedAs === undefined || servedAs === document.mediaType) return document
    throw new ApiError(
      400,
      'MANIFEST_INVALID',
      `the content type must be the manifest's media type, ${document.mediaType}`,
    )
  } catch (error) {
    if (isRegistryError(error)) throw new ApiError(400, 'MANIFEST_INVALID', error.message)
    throw error
  }
}

/** Everything that a manifest refers to, but a subject, must be there. */
export async function checkReferences(
  repositories: Repositories,
  name: string,
  document: ImageManifest | ImageIndex,
): Promise<void> {
  const has = async ({ digest }: Descriptor): Promise<boolean> =>
    isIndex(document)
      ? (await repositories.manifest(name, digest)) !== undefined
      : await repositories.hasBlob(name, digest)
  const wanted = isIndex(document)
    ? document.manifests
    : [document.config, ...document.layers.filter((layer) => !isElsewhere(layer))]
  for (const descriptor of wanted) {
    if (await has(descriptor)) continue
    throw new ApiError(404, 'MANIFEST_BLOB_UNKNOWN', `the repository lacks ${descriptor.digest}`)
  }
}

/** Digests of what a manifest or an index is made of. */
export function partsOf(document: ImageManifest | ImageIndex): readonly string[] {
  const parts = isIndex(document) ? document.manifests : [document.config, ...document.layers]
  return parts.map(({ digest }) => digest)
}

/** How a manifest is listed among those with the same subject (distribution-spec, "Listing Referrers"). */
export function referrerOf(
  document: ImageManifest | ImageIndex,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): NewManifest['referrer'] {
  const { mediaType, annotations, subject } = document
  if (subject === undefined) return undefined
  const own = document.artifactType === '' ? undefined : document.artifactType
  const artifactType = own ?? (isIndex(document) ? undefined : document.config.mediaType)
  return {
    subject: subject.digest,
    descriptor: present({ mediaType, digest, size, artifactType, annotations }),
  }
}

/** Layers that may not be handed on by registries: Docker's "foreign" ones and OCI's "non-distributable". */
function isElsewhere({ mediaType }: Descriptor): boolean {
  return /\.(?:nondistributable|foreign)\./.test(mediaType)
}
