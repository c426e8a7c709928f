import { isRegistryError } from '../errors.js'
import {
  isIndex,
  maxManifestBytes,
  parseManifest,
  type ImageIndex,
  type ImageManifest,
} from '../manifest/manifest.js'
import { partsOf } from './manifest-document.js'
import type { Registry } from './registry.js'

/** Settings of a garbage collection. */
export interface GarbageOptions {
  /**
   * What was pushed or asked for by HEAD within so many milliseconds stays, referred to or not: it may belong
   * to a push that has not come to its manifest. Default one hour.
   */
  readonly graceMs?: number | undefined
  /** Also remove manifests that no tag, index or subject leads to. Default: they stay. */
  readonly untagged?: boolean | undefined
}

/** What a garbage collection removed. */
export interface CollectedGarbage {
  readonly manifests: number
  /** Blobs that repositories no longer have. */
  readonly references: number
  /** Blobs that are gone from the disk, and their bytes. */
  readonly blobs: number
  readonly bytes: number
}

/**
 * Removes what nothing refers to: in each repository the blobs that none of its manifests names, then the
 * content that no repository has. Pushes go on meanwhile; see `Pins`.
 *
 * @param onDamage - Told of manifests that cannot be read. Their repository is left as it is.
 */
export async function collectGarbage(
  { repositories, pins }: Pick<Registry, 'repositories' | 'pins'>,
  { graceMs = 3_600_000, untagged = false }: GarbageOptions,
  onDamage: (error: unknown) => void,
): Promise<CollectedGarbage> {
  const found = { manifests: 0, references: 0, blobs: 0, bytes: 0 }
  const before = Date.now() - graceMs
  const kept = new Set<string>()
  return await pins.collect(async () => {
    for (const name of await repositories.names()) {
      try {
        if (untagged) found.manifests += await removeUntagged(name)
        found.references += await sweep(name)
      } catch (error) {
        if (!isRegistryError(error) || error.code === 'ERR_REGISTRY_IO') throw error
        onDamage(error)
        for await (const { digest } of repositories.entries(name, '_blobs')) kept.add(digest)
      }
    }
    for await (const { digest, size } of repositories.blobs.list()) {
      if (kept.has(digest)) continue
      if ((await pins.remove(digest, () => repositories.removeContent(digest, size))) !== true) continue
      found.blobs++
      found.bytes += size
    }
    return found
  })

  /** Takes from a repository the blobs that nothing in it names; all others must stay. */
  async function sweep(name: string): Promise<number> {
    const named = new Set<string>()
    for await (const { digest } of repositories.entries(name, '_manifests')) {
      named.add(digest)
      const document = await read(name, digest)
      for (const part of document === undefined ? [] : partsOf(document)) named.add(part)
    }
    let count = 0
    for await (const { digest, touchedAt } of repositories.entries(name, '_blobs')) {
      if (named.has(digest) || touchedAt >= before) kept.add(digest)
      else if ((await pins.remove(digest, () => repositories.unlinkBlob(name, digest))) === true) count++
      else kept.add(digest)
    }
    return count
  }

  /** Removes manifests that no tag leads to, by way of indexes down and of subjects up. */
  async function removeUntagged(name: string): Promise<number> {
    const reached = new Set<string>()
    const reach = async (digest: string): Promise<void> => {
      if (reached.has(digest)) return
      reached.add(digest)
      const document = await read(name, digest)
      if (document !== undefined && isIndex(document)) {
        for (const inner of document.manifests) await reach(inner.digest)
      }
      for (const referrer of await repositories.referrers(name, digest)) await reach(referrer)
    }
    for (const tag of await repositories.tags(name)) {
      const digest = await repositories.resolveTag(name, tag)
      if (digest !== undefined) await reach(digest)
    }
    let count = 0
    for await (const { digest, touchedAt } of repositories.entries(name, '_manifests')) {
      if (reached.has(digest) || touchedAt >= before) continue
      if ((await pins.remove(digest, () => repositories.deleteManifest(name, digest))) === true) count++
    }
    return count
  }

  async function read(name: string, digest: string): Promise<ImageManifest | ImageIndex | undefined> {
    const known = await repositories.manifest(name, digest)
    const size = known === undefined ? undefined : await repositories.blobs.sizeOf(digest)
    if (known === undefined || size === undefined) return undefined // deleted meanwhile
    return parseManifest(await repositories.blobs.bytes({ digest, size }, maxManifestBytes), known.mediaType)
  }
}
