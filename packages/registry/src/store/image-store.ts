import { setTimeout as sleep } from 'node:timers/promises'
import { BlobStore } from '../blobs/blob-store.js'
import { RegistryClient, type RegistryClientOptions } from '../client/registry-client.js'
import { isRegistryError, RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import type { ImageConfig } from '../manifest/image-config.js'
import type { Platform } from '../manifest/platform.js'
import { checkReference } from '../reference/parse-reference.js'
import type { Reference } from '../reference/reference.js'
import { createImage, type NewImage } from './create-image.js'
import { findImage, fullName, readable, storedName } from './find-image.js'
import { LayoutIndex, nameOf, renamed, sourceAnnotation } from './layout-index.js'
import { fetchImage, type FetchImageOptions, type TransferOptions } from './pull-image.js'
import { pushImage } from './push-image.js'
import { reachableBlobs, reachableFrom, removeUnused } from './remove-image.js'
import { readImage, type ImageContent, type StoredImage } from './stored-image.js'

/** Settings of {@link ImageStore.pull}. */
export interface PullOptions extends FetchImageOptions, RegistryClientOptions {
  /** A client to use, which stays open; the client options are then not looked at. Default: one of its own. */
  readonly client?: RegistryClient | undefined
}

/** Settings of {@link ImageStore.push}. */
export interface PushOptions extends TransferOptions, RegistryClientOptions {
  /** The image to push, by name or id. Default: the one that has the reference's name here. */
  readonly image?: string | Reference | undefined
  /** A repository of the same registry that may have the layers already. */
  readonly mountFrom?: string | undefined
  /** A client to use, which stays open; the client options are then not looked at. Default: one of its own. */
  readonly client?: RegistryClient | undefined
}

/** Settings of {@link ImageStore.add}. */
export interface AddOptions {
  /** Name of the image. Without it the image is found by its id. */
  readonly reference?: string | Reference | undefined
  readonly signal?: AbortSignal | undefined
}

/** What {@link ImageStore.remove} did. */
export interface RemovedImage {
  /** Names that are gone. */
  readonly untagged: readonly string[]
  /** Blobs that are gone: none while other names or images use them. */
  readonly deleted: readonly string[]
}

/** A pull whose blobs another process removes at the same time is begun again this often. */
const maxRounds = 20

/** It waits at random up to this long, times the round, so that those who remove come to their end. Milliseconds. */
const roundDelayMs = 10

/**
 * Images on this machine, in one folder that is an OCI image layout: `skopeo copy oci:FOLDER:NAME …` reads
 * it. Nothing is cached beyond a call but images already read, which never change; any number of processes
 * may use the folder at once, and a crash at any moment leaves it whole.
 *
 * Names are stored in full: `docker.io/library/busybox:latest`.
 *
 * @see {@link https://github.com/opencontainers/image-spec/blob/main/image-layout.md}
 */
export class ImageStore {
  /** The blobs of all images. */
  readonly blobs: BlobStore
  readonly #index: LayoutIndex
  readonly #known = new Map<string, ImageContent>()

  private constructor(blobs: BlobStore, index: LayoutIndex) {
    this.blobs = blobs
    this.#index = index
  }

  /**
   * Opens the store in a folder, which is made (mode 0700) when it is missing.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_IO`, or `ERR_REGISTRY_STORE`: the folder is a layout of
   *   another version.
   */
  static async open(folder: string): Promise<ImageStore> {
    const blobs = await BlobStore.open(folder)
    return new ImageStore(blobs, await LayoutIndex.open(folder))
  }

  /**
   * Pulls an image: finds the one for the platform, fetches what is missing, checks every byte, and names it
   * once it is whole. Another image that had the name stays, without it.
   *
   * @throws {@link RegistryError} As the registry answers; Node's `AbortError` when `signal` aborts. What was
   *   downloaded by then is kept and gone on with by the next pull.
   */
  async pull(reference: string | Reference, options: PullOptions = {}): Promise<StoredImage> {
    const parsed = checkReference(reference)
    return await withClient(options, async (client) => {
      for (let round = 1; round <= maxRounds; round++) {
        const image = await this.#pullOnce(client, parsed, options)
        if (image !== undefined) return image
        await sleep(
          Math.random() * roundDelayMs * round,
          undefined,
          options.signal && { signal: options.signal },
        )
      }
      throw new RegistryError(
        'ERR_REGISTRY_STORE',
        `cannot pull ${storedName(parsed)}: its blobs were removed ${maxRounds} times meanwhile`,
      )
    })
  }

  /**
   * Pushes an image: uploads the blobs that the registry lacks, then the manifest.
   *
   * @returns The manifest's descriptor.
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE`, or as the registry answers.
   */
  async push(reference: string | Reference, options: PushOptions = {}): Promise<Descriptor> {
    const parsed = checkReference(reference)
    const image = await this.get(options.image ?? parsed)
    return await withClient(options, (client) => pushImage(client, this.blobs, parsed, image, options))
  }

  /** All images, each once with all its names. Entries that cannot be read are left out. */
  async list(): Promise<readonly StoredImage[]> {
    const entries = await this.#index.read()
    const images: StoredImage[] = []
    for (const [n, entry] of entries.entries()) {
      if (entries.findIndex(({ digest }) => digest === entry.digest) !== n) continue
      const content = await this.#tryRead(entry)
      if (content !== undefined) images.push(withNames(content, entry, entries))
    }
    return images
  }

  /**
   * Reads an image.
   *
   * @param wanted - A reference, a digest of manifest or config, or the first 4 or more hex digits of one.
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE`, `ERR_REGISTRY_AMBIGUOUS`, or what is wrong with
   *   its documents.
   */
  async get(wanted: string | Reference): Promise<StoredImage> {
    const entries = await this.#index.read()
    const found = await this.#find(entries, wanted)
    const entry = found.entries[0]!
    return withNames(await this.#read(entry), entry, entries)
  }

  /** Gives an image one more name. Another image that had the name stays, without it. */
  async tag(wanted: string | Reference, name: string | Reference): Promise<void> {
    const parsed = checkReference(name)
    await this.#index.update(undefined, async (entries) => {
      const found = await this.#find(entries, wanted)
      return withName(entries, renamed(found.entries[0]!, storedName(parsed)))
    })
  }

  /**
   * Removes a name, and with the last one the image and the blobs that no other image uses. By id, all names
   * and the image. Streams that are open go on.
   */
  async remove(wanted: string | Reference): Promise<RemovedImage> {
    let result: RemovedImage = { untagged: [], deleted: [] }
    await this.#index.update(undefined, async (entries) => {
      const { entries: removed } = await this.#find(entries, wanted)
      const kept = entries.filter((entry) => !removed.includes(entry))
      const deleted = await removeUnused(this.blobs, removed, kept)
      for (const { digest } of removed) this.#known.delete(digest)
      result = { untagged: removed.flatMap((entry) => nameOf(entry) ?? []), deleted }
      return kept
    })
    return result
  }

  /** Makes an image from layers and a config. Nothing is named until all of it is stored. */
  async add(image: NewImage, { reference, signal }: AddOptions = {}): Promise<StoredImage> {
    const parsed = reference === undefined ? undefined : checkReference(reference)
    const descriptor = await createImage(this.blobs, image, signal)
    const { config } = await this.#read(descriptor)
    const stored = await this.#name({ ...descriptor, platform: platformOf(config) }, parsed, signal)
    if (stored !== undefined) return stored
    throw new RegistryError(
      'ERR_REGISTRY_STORE',
      `cannot add image ${descriptor.digest}: its blobs were removed meanwhile`,
    )
  }

  /**
   * Removes images without a name, and blobs that no image uses, left by pulls that never ended.
   *
   * @param minAgeMs - Younger blobs are left alone: they may belong to a pull under way. Default one hour.
   * @returns Digests of the blobs that are gone.
   */
  async prune({ minAgeMs = 3_600_000 }: { readonly minAgeMs?: number | undefined } = {}): Promise<
    readonly string[]
  > {
    const gone: string[] = []
    await this.blobs.clean(minAgeMs)
    await this.#index.update(undefined, async (entries) => {
      const kept = entries.filter((entry) => nameOf(entry) !== undefined)
      const used = await reachableFrom(this.blobs, kept)
      const nameless = await reachableFrom(this.blobs, entries)
      for await (const { digest, storedAt } of this.blobs.list()) {
        const isOld = nameless.has(digest) || Date.now() - storedAt >= minAgeMs
        if (!used.has(digest) && isOld && (await this.blobs.delete(digest))) gone.push(digest)
      }
      return kept
    })
    return gone
  }

  /** `undefined` when another process removed some of the blobs before the image had its name. */
  async #pullOnce(
    client: RegistryClient,
    reference: Reference,
    options: FetchImageOptions,
  ): Promise<StoredImage | undefined> {
    try {
      const { resolved, config } = await fetchImage(client, this.blobs, reference, options)
      const annotations = { [sourceAnnotation]: resolved.source.descriptor.digest }
      const entry = { ...resolved.descriptor, platform: platformOf(config), annotations }
      return await this.#name(entry, reference, options.signal)
    } catch (error) {
      if (isRegistryError(error) && error.code === 'ERR_REGISTRY_NO_BLOB') return undefined
      throw error
    }
  }

  /** Enters an image whose blobs are stored. `undefined` when some are gone again: another process removed them. */
  async #name(
    entry: Descriptor,
    reference: Reference | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StoredImage | undefined> {
    let image: StoredImage | undefined
    await this.#index.update(signal, async (entries) => {
      for (const digest of await reachableBlobs(this.blobs, entry)) {
        if ((await this.blobs.sizeOf(digest)) === undefined) return undefined
      }
      const changed =
        reference === undefined
          ? [...entries, entry]
          : withName(entries, renamed(entry, storedName(reference)))
      image = withNames(await this.#read(entry), entry, changed)
      return changed
    })
    return image
  }

  async #find(entries: readonly Descriptor[], wanted: string | Reference): ReturnType<typeof findImage> {
    return await findImage(entries, wanted, async (entry) => (await this.#tryRead(entry))?.id)
  }

  async #tryRead(entry: Descriptor): Promise<ImageContent | undefined> {
    try {
      return await this.#read(entry)
    } catch (error) {
      if (isRegistryError(error)) return undefined
      throw error
    }
  }

  async #read(entry: Descriptor): Promise<ImageContent> {
    const known = this.#known.get(entry.digest)
    if (known !== undefined) return known
    const content = await readImage(this.blobs, entry)
    if (this.#known.size >= 256) this.#known.clear()
    this.#known.set(entry.digest, content)
    return content
  }
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

/** The entries with one more; what had its name is nameless now. */
function withName(entries: readonly Descriptor[], added: Descriptor): readonly Descriptor[] {
  const name = nameOf(added)
  return [...entries.map((entry) => (fullName(entry) === name ? renamed(entry, undefined) : entry)), added]
}

function withNames(content: ImageContent, entry: Descriptor, entries: readonly Descriptor[]): StoredImage {
  const same = entries.filter(({ digest }) => digest === entry.digest)
  const digests = same.flatMap((item) => {
    const source = item.annotations?.[sourceAnnotation]
    const name = readable(nameOf(item) ?? '')
    return source === undefined || name === undefined ? [] : [`${name.registry}/${name.repository}@${source}`]
  })
  return {
    ...content,
    references: same.flatMap((item) => fullName(item) ?? []),
    repositoryDigests: [...new Set(digests)],
  }
}

async function withClient<T>(
  { client, ...options }: RegistryClientOptions & { readonly client?: RegistryClient | undefined },
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  if (client !== undefined) return await work(client)
  await using own = new RegistryClient(options)
  return await work(own)
}
