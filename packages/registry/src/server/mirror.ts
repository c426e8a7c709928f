import { join } from 'node:path'
import { isAbortError } from '../abort.js'
import { ownerToken } from '../blobs/owner.js'
import { RegistryClient, type RegistryClientOptions } from '../client/registry-client.js'
import type { FetchedManifest } from '../client/fetch-manifest.js'
import { isRegistryError } from '../errors.js'
import { isDigest } from '../manifest/digest.js'
import { isIndex } from '../manifest/manifest.js'
import { inParallel } from '../store/in-parallel.js'
import { ApiError, unknownManifest } from './api-error.js'
import { Download } from './download.js'
import { referrerOf } from './manifest-document.js'
import type { Pins } from './pins.js'
import type { Quotas } from './quotas.js'
import type { Repositories } from './repositories.js'

/** The registry that a server shows and keeps. */
export interface MirrorOptions {
  /** The other registry, as in references: `docker.io`, `ghcr.io`, `10.0.0.1:5000`. */
  readonly registry: string
  /** How it is spoken to. Default: over HTTPS, as nobody. */
  readonly client?: RegistryClientOptions | undefined
  /** So long a tag is taken for what it was, in milliseconds, before the other registry is asked. Default 60,000. */
  readonly freshMs?: number | undefined
}

/** What a {@link Mirror} works with. */
export interface MirrorContext {
  readonly repositories: Repositories
  readonly pins: Pins
  readonly quotas: Quotas
  readonly onError: (error: unknown) => void
}

/** More tags of a repository than this are not listed. */
const maxTags = 100_000
/** More referrers of one manifest than this are not brought. */
const maxReferrers = 1000
/** Of so many manifests it is known when their referrers were asked for. */
const maxNoted = 10_000

/**
 * Brings what is asked for from another registry, once for all who ask at the same time, and keeps it: content
 * by digest for ever, tags until they are to be asked for again. When the other registry cannot be reached, what
 * is here is what there is.
 */
export class Mirror {
  readonly #registry: string
  readonly #client: RegistryClient
  readonly #freshMs: number
  readonly #context: MirrorContext
  readonly #manifests = new Map<string, Promise<void>>()
  readonly #downloads = new Map<string, Promise<Download>>()
  readonly #referrersAt = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor({ registry, client = {}, freshMs = 60_000 }: MirrorOptions, context: MirrorContext) {
    this.#registry = registry
    this.#client = new RegistryClient({ credentials: 'anonymous', retries: 2, ...client })
    this.#freshMs = freshMs
    this.#context = context
  }

  /** Sees to it that the repository has the manifest, if there is one, as fresh as it must be. */
  async bringManifest(name: string, reference: string): Promise<void> {
    const { repositories } = this.#context
    const isThere = isDigest(reference)
      ? (await repositories.manifest(name, reference)) !== undefined
      : Date.now() - ((await repositories.tagCheckedAt(name, reference)) ?? -Infinity) < this.#freshMs
    if (isThere) return
    await shared(this.#manifests, `${name} ${reference}`, () => this.#fetchManifest(name, reference))
  }

  /**
   * Brings the manifests that refer to one, as fresh as a tag must be. They stay when the other registry lists them no
   * longer.
   */
  async bringReferrers(name: string, subject: string): Promise<void> {
    const key = `${name}@${subject}`
    if (Date.now() - (this.#referrersAt.get(key) ?? -Infinity) < this.#freshMs) return
    await shared(this.#manifests, `referrers of ${key}`, async () => {
      await this.#fetchReferrers(name, subject)
      if (this.#referrersAt.size >= maxNoted) this.#referrersAt.clear()
      this.#referrersAt.set(key, Date.now())
    })
  }

  /** Size of a blob that a manifest named which was brought; `undefined` for all others. */
  async sizeOf(name: string, digest: string): Promise<number | undefined> {
    return await this.#context.repositories.expectedSize(name, digest)
  }

  /** The blob on its way here. It is begun when nobody has begun it yet. */
  async download(name: string, digest: string, size: number): Promise<Download> {
    const { repositories, pins, quotas, onError } = this.#context
    if (!quotas.knows(name)) quotas.learn(name, await repositories.bytesOf(name))
    return await shared(
      this.#downloads,
      digest,
      async () => {
        quotas.check(name, size)
        const reference = { registry: this.#registry, repository: name, digest }
        const descriptor = { mediaType: 'application/octet-stream', digest, size }
        const source = await this.#client
          .blob(reference, descriptor, { signal: this.#closing.signal })
          .catch((error: unknown) => {
            throw this.#asAnswer(error)
          })
        const path = join(repositories.blobs.folder, 'partial', `download~${ownerToken()}`)
        const download = await Download.begin(descriptor, path, source as AsyncIterable<Buffer>, () =>
          pins.keep([digest], () => repositories.addBlob(name, digest, path, size)),
        )
        download.ended.catch((error: unknown) => {
          if (!isAbortError(error)) onError(error)
        })
        return download
      },
      (download) => download.ended.catch(() => undefined), // the clients see it
    )
  }

  /** Tags of the repository, here or there. */
  async tags(name: string): Promise<readonly string[]> {
    const found = new Set(await this.#context.repositories.tags(name))
    try {
      const reference = { registry: this.#registry, repository: name }
      for await (const tag of this.#client.tags(reference, { signal: this.#closing.signal })) {
        if (found.size >= maxTags) break
        found.add(tag)
      }
    } catch (error) {
      if (found.size === 0) throw this.#asAnswer(error)
      this.#context.onError(error)
    }
    return [...found].sort()
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    const downloads = await Promise.allSettled(this.#downloads.values())
    for (const begun of downloads) {
      if (begun.status === 'fulfilled') await begun.value.ended.catch(() => undefined) // told to its clients
    }
    await Promise.allSettled(this.#manifests.values())
    await this.#client.close()
  }

  async #fetchManifest(name: string, reference: string): Promise<void> {
    const { repositories, onError } = this.#context
    const part = isDigest(reference) ? { digest: reference } : { tag: reference }
    try {
      const fetched = await this.#client.manifest(
        { registry: this.#registry, repository: name, ...part },
        { signal: this.#closing.signal },
      )
      await this.#store(name, fetched, part.tag === undefined ? [] : [part.tag])
    } catch (error) {
      if (isRegistryError(error) && error.code === 'ERR_REGISTRY_NOT_FOUND') {
        if (part.tag !== undefined) await repositories.deleteTag(name, part.tag)
        throw unknownManifest()
      }
      if (part.tag === undefined || (await repositories.resolveTag(name, part.tag)) === undefined)
        throw this.#asAnswer(error)
      onError(error)
      await repositories.touchTag(name, part.tag) // not asked for again at once: it may take long to fail
    }
  }

  async #fetchReferrers(name: string, subject: string): Promise<void> {
    const { repositories, onError } = this.#context
    const { signal } = this.#closing
    const reference = { registry: this.#registry, repository: name, digest: subject }
    const found: string[] = []
    try {
      for await (const { digest } of this.#client.referrers(reference, { signal })) {
        if (found.length === maxReferrers) break
        found.push(digest)
      }
    } catch (error) {
      // nobody is to take this for: there are none
      if ((await repositories.referrers(name, subject)).length === 0) throw this.#asAnswer(error)
      onError(error)
    }
    await inParallel(found, 4, signal, async (digest) => {
      await this.bringManifest(name, digest).catch(onError) // the others are there nevertheless
    })
  }

  async #store(
    name: string,
    { descriptor, bytes, document }: FetchedManifest,
    tags: readonly string[],
  ): Promise<void> {
    const { repositories, pins } = this.#context
    const { digest, mediaType } = descriptor
    await pins.keep([digest], async () => {
      for (const part of isIndex(document) ? [] : [document.config, ...document.layers]) {
        await repositories.expectBlob(name, part.digest, part.size)
      }
      const referrer = referrerOf(document, descriptor)
      await repositories.putManifest(name, bytes, { digest, mediaType, tags, referrer })
    })
  }

  /** What a client is told of a failure there. */
  #asAnswer(error: unknown): unknown {
    if (!isRegistryError(error)) return error
    this.#context.onError(error)
    const where = `registry ${this.#registry}`
    switch (error.code) {
      case 'ERR_REGISTRY_NOT_FOUND':
        return new ApiError(404, 'NAME_UNKNOWN', `not known to ${where}`)
      case 'ERR_REGISTRY_UNAUTHORIZED':
      case 'ERR_REGISTRY_DENIED':
        return new ApiError(403, 'DENIED', `${where} does not let us`)
      case 'ERR_REGISTRY_RATE_LIMITED':
        return new ApiError(429, 'TOOMANYREQUESTS', `${where} wants fewer requests`)
      default:
        return new ApiError(502, 'UNKNOWN', `${where} cannot be reached, or answers rubbish`)
    }
  }
}

/** The result of `work` for all who ask while it runs, and until `isOver` settles. */
async function shared<T>(
  running: Map<string, Promise<T>>,
  key: string,
  work: () => Promise<T>,
  isOver: (result: T) => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  const known = running.get(key)
  if (known !== undefined) return await known
  const result = work()
  running.set(key, result)
  result
    .then(isOver)
    .catch(() => undefined) // told to those who wait for the result
    .finally(() => running.delete(key))
    .catch(() => undefined)
  return await result
}
