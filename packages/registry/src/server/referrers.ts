import { isRegistryError } from '../errors.js'
import { parseDigest } from '../manifest/digest.js'
import {
  isIndex,
  maxManifestBytes,
  parseManifest,
  type ImageIndex,
  type ImageManifest,
} from '../manifest/manifest.js'
import { referrerOf } from './manifest-document.js'
import type { Repositories } from './repositories.js'

/** So many are looked at for one answer, and so many bytes of them answered: an index is a manifest. */
const maxLooked = 1000
const maxBytes = maxManifestBytes - 1024

/** Which referrers are wanted. */
export interface ReferrerFilter {
  readonly artifactType: string | undefined
  /** Digest of the last one that the client has. */
  readonly last: string | undefined
}

/** One page of referrers, as JSON texts. */
export interface ReferrerPage {
  readonly descriptors: readonly string[]
  /** Where the next page goes on; `undefined` on the last. */
  readonly next: string | undefined
}

/** Reads the descriptors of the manifests that refer to `subject`. */
export async function readReferrers(
  repositories: Repositories,
  name: string,
  subject: string,
  { artifactType, last }: ReferrerFilter,
): Promise<ReferrerPage> {
  const indexed = await repositories.referrers(name, subject)
  const tagged = await taggedReferrers(repositories, name, subject, new Set(indexed))
  const all = [...indexed, ...tagged.keys()].sort().filter((digest) => last === undefined || digest > last)
  const descriptors: string[] = []
  let bytes = 0
  for (const [n, digest] of all.entries()) {
    if (n >= maxLooked) return { descriptors, next: all[n - 1] }
    const text = tagged.get(digest) ?? (await repositories.referrer(name, subject, digest))
    if (text === undefined || (await repositories.manifest(name, digest)) === undefined) continue
    if (artifactType !== undefined && artifactTypeOf(text) !== artifactType) continue
    bytes += Buffer.byteLength(text) + 1
    if (descriptors.length > 0 && bytes > maxBytes) return { descriptors, next: all[n - 1] }
    descriptors.push(text)
  }
  return { descriptors, next: undefined }
}

/**
 * Those that a client listed by itself, in an index under a tag that is made of the digest (distribution-spec,
 * "Referrers Tag Schema"), and that are not in our own list: they came from a registry without one. Only
 * manifests that the repository has, and that name the subject, count.
 */
async function taggedReferrers(
  repositories: Repositories,
  name: string,
  subject: string,
  known: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const { algorithm, hex } = parseDigest(subject)
  const tag = await repositories.resolveTag(name, `${algorithm}-${hex.slice(0, 64)}`)
  const index = tag === undefined ? undefined : await readManifest(repositories, name, tag)
  if (index === undefined || !isIndex(index)) return found
  for (const { digest } of index.manifests.slice(0, maxLooked)) {
    if (known.has(digest)) continue
    const document = await readManifest(repositories, name, digest)
    const size = await repositories.blobs.sizeOf(digest)
    const referrer =
      document === undefined || size === undefined ? undefined : referrerOf(document, { digest, size })
    if (referrer?.subject === subject) found.set(digest, JSON.stringify(referrer.descriptor))
  }
  return found
}

async function readManifest(
  repositories: Repositories,
  name: string,
  digest: string,
): Promise<ImageManifest | ImageIndex | undefined> {
  const known = await repositories.manifest(name, digest)
  const size = known === undefined ? undefined : await repositories.blobs.sizeOf(digest)
  if (known === undefined || size === undefined) return undefined
  try {
    return parseManifest(await repositories.blobs.bytes({ digest, size }, maxManifestBytes), known.mediaType)
  } catch (error) {
    if (isRegistryError(error)) return undefined // gone or damaged meanwhile: it refers to nothing
    throw error
  }
}

function artifactTypeOf(descriptor: string): string | undefined {
  return (JSON.parse(descriptor) as { artifactType?: string }).artifactType
}
