import type { Readable } from 'node:stream'
import { readArchive } from '../archives/read-archive.js'
import { readFolder } from '../archives/read-folder.js'
import { saveArchive } from '../archives/save-archive.js'
import { saveFolder } from '../archives/save-folder.js'
import { savedImages, type SavedImage } from '../archives/write-layout.js'
import { BlobStore, type BlobStoreOptions } from '../blobs/blob-store.js'
import type { RegistryClient } from '../client/registry-client.js'
import { isRegistryError, RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parsePlatform, type Platform } from '../manifest/platform.js'
import { checkReference } from '../reference/parse-reference.js'
import type { Reference } from '../reference/reference.js'
import { createImage, type NewImage } from './create-image.js'
import { platformOf, withName } from './entry-names.js'
import { fetchEntry } from './fetch-entry.js'
import { pushIndex } from './fetch-index.js'
import { fullName, storedName } from './find-image.js'
import { LayoutIndex, nameOf, renamed } from './layout-index.js'
import { inRounds, removedMeanwhile } from './in-rounds.js'
import { loadImages } from './load-images.js'
import { NamedImages } from './named-images.js'
import { pushImage } from './push-image.js'
import { pruneBlobs, reachableFrom, removeUnused } from './remove-image.js'
import {
  withClient,
  type AddOptions,
  type LoadedImage,
  type LoadOptions,
  type PrunedBlobs,
  type PullOptions,
  type PushOptions,
  type RemovedImage,
  type RemoveImageOptions,
  type SaveLayoutOptions,
  type SaveOptions,
} from './store-options.js'
import type { StoredImage } from './stored-image.js'
import { withoutPlatform } from './without-platform.js'
import { verifyStore, type StoreCheck } from './verify-store.js'

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
  readonly #images: NamedImages

  private constructor(blobs: BlobStore, index: LayoutIndex) {
    this.blobs = blobs
    this.#index = index
    this.#images = new NamedImages(blobs, index)
  }

  /**
   * Opens the store in a folder, which is made (mode 0700) when it is missing.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_IO`, or `ERR_REGISTRY_STORE`: the folder is a layout of
   *   another version.
   */
  static async open(folder: string, options: BlobStoreOptions = {}): Promise<ImageStore> {
    const blobs = await BlobStore.open(folder, options)
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
    if (options.platforms === 'all' && options.platform !== undefined) {
      throw new RegistryError(
        'ERR_REGISTRY_INVALID_ARG',
        `cannot pull ${storedName(parsed)}: platform and platforms exclude each other`,
      )
    }
    return await withClient(options, (client) =>
      inRounds(`pull ${storedName(parsed)}`, options.signal, () => this.#pullOnce(client, parsed, options)),
    )
  }

  /**
   * Pushes an image: uploads the blobs that the registry lacks, then the manifest.
   *
   * @returns The manifest's descriptor.
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE`, or as the registry answers.
   */
  async push(reference: string | Reference, options: PushOptions = {}): Promise<Descriptor> {
    const parsed = checkReference(reference)
    const { platform } = options
    const image = await this.get(options.image ?? parsed, { platform })
    return await withClient(options, (client) =>
      image.index === undefined || platform !== undefined
        ? pushImage(client, this.blobs, parsed, image, options)
        : pushIndex(client, this.blobs, parsed, image.index, options),
    )
  }

  /** All images, each once with all its names. Entries that cannot be read are left out. */
  async list(): Promise<readonly StoredImage[]> {
    return await this.#images.list()
  }

  /**
   * Reads an image.
   *
   * @param wanted - A reference, a digest of manifest or config, or the first 4 or more hex digits of one.
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE`, `ERR_REGISTRY_AMBIGUOUS`, `ERR_REGISTRY_NO_PLATFORM`,
   *   or what is wrong with its documents.
   */
  async get(
    wanted: string | Reference,
    { platform }: { readonly platform?: string | Platform | undefined } = {},
  ): Promise<StoredImage> {
    return await this.#images.get(wanted, platform)
  }

  /** Gives an image one more name. Another image that had the name stays, without it. */
  async tag(wanted: string | Reference, name: string | Reference): Promise<void> {
    const parsed = checkReference(name)
    await this.#index.update(undefined, async (entries) => {
      const found = await this.#images.find(entries, wanted)
      return { entries: withName(entries, renamed(found.entries[0]!, storedName(parsed))) }
    })
  }

  /**
   * Removes a name, and with the last one the image and the blobs that no other image uses. By id, all names
   * and the image. Streams that are open go on.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE`, `ERR_REGISTRY_AMBIGUOUS`, `ERR_REGISTRY_NO_PLATFORM`.
   */
  async remove(wanted: string | Reference, { platform }: RemoveImageOptions = {}): Promise<RemovedImage> {
    let result: RemovedImage = { untagged: [], deleted: [] }
    const one = typeof platform === 'string' ? parsePlatform(platform) : platform
    await this.#index.update(undefined, async (entries) => {
      const { entries: found } = await this.#images.find(entries, wanted)
      const left = new Map<Descriptor, Descriptor>()
      for (const entry of one === undefined ? [] : found) {
        const others = await withoutPlatform(this.blobs, entry, one!)
        if (others !== undefined) left.set(entry, others)
      }
      const kept = entries.flatMap((entry) => left.get(entry) ?? (found.includes(entry) ? [] : entry))
      const reachable = await reachableFrom(this.blobs, found)
      const after = async (): Promise<void> => {
        const deleted = await removeUnused(this.blobs, reachable, kept)
        const untagged = found.filter((entry) => !left.has(entry)).flatMap((entry) => nameOf(entry) ?? [])
        result = { untagged, deleted }
      }
      this.#images.forget(found)
      return { entries: kept, after }
    })
    return result
  }

  /** Takes a name away from an image, which stays, without a name if that was the last. */
  async untag(name: string | Reference): Promise<void> {
    const wanted = storedName(checkReference(name))
    await this.#index.update(undefined, (entries) => {
      if (!entries.some((entry) => fullName(entry) === wanted))
        throw new RegistryError(
          'ERR_REGISTRY_NO_IMAGE',
          `cannot untag ${wanted}: there is no image of that name`,
        )
      return Promise.resolve({
        entries: entries.map((entry) => (fullName(entry) === wanted ? renamed(entry, undefined) : entry)),
      })
    })
  }

  /** Makes an image from layers and a config. Nothing is named until all of it is stored. */
  async add(image: NewImage, { reference, signal }: AddOptions = {}): Promise<StoredImage> {
    const parsed = reference === undefined ? undefined : checkReference(reference)
    const descriptor = await createImage(this.blobs, image, signal)
    const { config } = await this.#images.read(descriptor)
    const stored = await this.#images.enter({ ...descriptor, platform: platformOf(config) }, parsed, signal)
    if (stored !== undefined) return stored
    throw removedMeanwhile(`add image ${descriptor.digest}`)
  }

  /**
   * Writes images into a tar archive. Unless another `format` is asked for, as `docker save` does: `docker load`,
   * `podman load` and skopeo's `oci-archive:` and `docker-archive:` read it, and {@link ImageStore.load}.
   *
   * @param wanted - Names or ids; by an id, an image is saved without a name.
   * @returns The archive's bytes. What goes wrong while it is read is an error of the stream.
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE` and the like.
   */
  async save(
    wanted: string | Reference | readonly (string | Reference)[],
    { format = 'docker', platform, signal }: SaveOptions = {},
  ): Promise<Readable> {
    return saveArchive(this.blobs, await this.#saved(wanted, platform), { format, signal })
  }

  /**
   * Writes images into a folder of their own, as an OCI image layout: skopeo's and podman's `oci:` read it, and
   * {@link ImageStore.loadLayout}.
   *
   * @param folder - A new or an empty one. It shows when it is whole.
   * @throws {@link RegistryError} as {@link ImageStore.save}; `ERR_REGISTRY_INVALID_ARG`: there is something.
   */
  async saveLayout(
    wanted: string | Reference | readonly (string | Reference)[],
    folder: string,
    { platform, signal }: SaveLayoutOptions = {},
  ): Promise<void> {
    await saveFolder(this.blobs, await this.#saved(wanted, platform), folder, signal)
  }

  /**
   * Brings in the images of an archive: an OCI layout or what `docker save` writes, also of old versions, plain
   * or compressed with gzip or zstd. Files are checked and stored as they come; when the archive turns out to
   * be damaged, none of its images is named and nothing of it is left.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_ARCHIVE`: not such an archive, damaged, or beyond the limits;
   *   or what is wrong with the documents in it; `ERR_REGISTRY_NO_PLATFORM`: no image of it is for the platform.
   */
  async load(archive: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<readonly LoadedImage[]> {
    const { signal } = options
    return await loadImages(this.#parts, options, (added) =>
      readArchive(this.blobs, archive, options, signal, added),
    )
  }

  /**
   * Brings in the images of a folder that is an OCI image layout, checked as those of an archive are.
   *
   * @throws {@link RegistryError} as {@link ImageStore.load}.
   */
  async loadLayout(folder: string, options: LoadOptions = {}): Promise<readonly LoadedImage[]> {
    const { signal } = options
    return await loadImages(this.#parts, options, (added) =>
      readFolder(this.blobs, folder, { limits: options, signal, added }),
    )
  }

  /**
   * Reads everything in the store and checks it: documents, and the content of every blob against its digest. A blob
   * that is removed (`blobs.delete`) is fetched again by the next pull. Other processes may pull and remove meanwhile:
   * what they have not named yet is no problem.
   */
  async verify({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<StoreCheck> {
    let check: StoreCheck | undefined
    // under the lock: nothing that an entry needs goes meanwhile
    await this.#index.update(signal, async (entries) => {
      check = await verifyStore(this.blobs, entries, signal)
      return undefined
    })
    return check!
  }

  /**
   * Removes images without a name, and blobs that no image uses, left by pulls that never ended.
   *
   * @param minAgeMs - Younger blobs are left alone: they may belong to a pull under way. Default one hour.
   * @param keep - Ids of images that stay without a name, since somebody uses them.
   */
  async prune({
    minAgeMs = 3_600_000,
    keep = [],
  }: {
    readonly minAgeMs?: number | undefined
    readonly keep?: readonly string[] | undefined
  } = {}): Promise<PrunedBlobs> {
    let gone: PrunedBlobs = { images: [], blobs: [], bytes: 0 }
    await this.blobs.clean(minAgeMs)
    await this.#index.update(undefined, async (entries) => {
      const ids = await Promise.all(entries.map(async (entry) => (await this.#images.tryRead(entry))?.id))
      const isKept = (entry: Descriptor, n: number): boolean =>
        nameOf(entry) !== undefined || keep.includes(ids[n] ?? '')
      const images = new Set(ids.filter((_, n) => !isKept(entries[n]!, n)))
      const kept = entries.filter(isKept)
      const after = async (): Promise<void> => {
        gone = {
          images: [...images].filter((id) => id !== undefined),
          ...(await pruneBlobs(this.blobs, entries, kept, minAgeMs)),
        }
      }
      return { entries: kept, after }
    })
    return gone
  }

  /** `undefined` when another process removed some of the blobs before the image had its name. */
  async #pullOnce(
    client: RegistryClient,
    reference: Reference,
    options: PullOptions,
  ): Promise<StoredImage | undefined> {
    try {
      const entry = await fetchEntry(client, this.blobs, reference, options)
      return await this.#images.enter(entry, reference, options.signal)
    } catch (error) {
      if (isRegistryError(error) && error.code === 'ERR_REGISTRY_NO_BLOB') return undefined
      throw error
    }
  }

  get #parts(): Parameters<typeof loadImages>[0] {
    return { blobs: this.blobs, index: this.#index, images: this.#images }
  }

  async #saved(
    wanted: string | Reference | readonly (string | Reference)[],
    platform: string | Platform | undefined,
  ): Promise<readonly SavedImage[]> {
    const list = Array.isArray(wanted)
      ? (wanted as readonly (string | Reference)[])
      : [wanted as string | Reference]
    const entries = await this.#index.read()
    const found = await Promise.all(list.map((item) => this.#images.find(entries, item)))
    return await savedImages(found, async (entry) => {
      const { index, ...content } = await this.#images.read(entry, platform)
      return index === undefined || platform !== undefined ? content : { ...content, index }
    })
  }
}
