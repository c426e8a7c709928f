import type { BlobStore } from '../blobs/blob-store.js'
import { isRegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { isIndex, maxManifestBytes, parseManifest } from '../manifest/manifest.js'

/**
 * All blobs that an entry of an index needs, itself included. A missing or damaged document ends the walk
 * there: it can need nothing.
 */
export async function reachableBlobs(
  blobs: BlobStore,
  descriptor: Descriptor,
  depth = 0,
): Promise<Set<string>> {
  const found = new Set([descriptor.digest])
  if (depth > 4) return found
  let document
  try {
    document = parseManifest(await blobs.bytes(descriptor, maxManifestBytes), descriptor.mediaType)
  } catch (error) {
    if (isRegistryError(error)) return found
    throw error
  }
  if (!isIndex(document))
    return new Set([...found, document.config.digest, ...document.layers.map(({ digest }) => digest)])
  for (const entry of document.manifests) {
    for (const digest of await reachableBlobs(blobs, entry, depth + 1)) found.add(digest)
  }
  return found
}

/**
 * Removes blobs that `kept` entries do not need. Called under the index's lock, so
 * that nobody names a blob while it goes.
 *
 * @returns Digests of the blobs that are gone.
 */
export async function removeUnused(
  blobs: BlobStore,
  digests: Iterable<string>,
  kept: readonly Descriptor[],
): Promise<readonly string[]> {
  const candidates = new Set(digests)
  for (const digest of await reachableFrom(blobs, kept)) candidates.delete(digest)
  const gone: string[] = []
  for (const digest of candidates) {
    if (await blobs.delete(digest)) gone.push(digest)
  }
  return gone
}

/** All blobs that any of the entries needs. */
export async function reachableFrom(blobs: BlobStore, entries: readonly Descriptor[]): Promise<Set<string>> {
  const found = new Set<string>()
  for (const entry of entries) {
    for (const digest of await reachableBlobs(blobs, entry)) found.add(digest)
  }
  return found
}

/**
 * Removes blobs that no entry of the index needs: of images without a name, at once; others, left by pulls
 * that never ended, once they are old enough.
 *
 * @returns Digests of the blobs that are gone, and the bytes that they had.
 */
export async function pruneBlobs(
  blobs: BlobStore,
  entries: readonly Descriptor[],
  kept: readonly Descriptor[],
  minAgeMs: number,
): Promise<{ readonly blobs: readonly string[]; readonly bytes: number }> {
  const gone: string[] = []
  let bytes = 0
  const used = await reachableFrom(blobs, kept)
  const nameless = await reachableFrom(blobs, entries)
  for await (const { digest, size, storedAt } of blobs.list()) {
    const isOld = nameless.has(digest) || Date.now() - storedAt >= minAgeMs
    if (used.has(digest) || !isOld || !(await blobs.delete(digest))) continue
    gone.push(digest)
    bytes += size
  }
  return { blobs: gone, bytes }
}
