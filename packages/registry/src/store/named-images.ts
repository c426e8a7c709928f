import type { BlobStore } from '../blobs/blob-store.js'
import { isRegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parsePlatform, type Platform } from '../manifest/platform.js'
import type { Reference } from '../reference/reference.js'
import { withName, withNames } from './entry-names.js'
import { findImage, storedName } from './find-image.js'
import { renamed, type LayoutIndex } from './layout-index.js'
import { reachableBlobs } from './remove-image.js'
import { readImage, type ImageContent, type StoredImage } from './stored-image.js'

/** So many images are kept in memory. */
const maxKnown = 256

/** The images that an index names, as their blobs say. What was read once is kept: it never changes. */
export class NamedImages {
  readonly #blobs: BlobStore
  readonly #index: LayoutIndex
  readonly #known = new Map<string, ImageContent>()

  constructor(blobs: BlobStore, index: LayoutIndex) {
    this.#blobs = blobs
    this.#index = index
  }

  /** All of them, each once with all its names. Entries that cannot be read are left out. */
  async list(): Promise<readonly StoredImage[]> {
    const entries = await this.#index.read()
    const images: StoredImage[] = []
    for (const [n, entry] of entries.entries()) {
      if (entries.findIndex(({ digest }) => digest === entry.digest) !== n) continue
      const content = await this.tryRead(entry)
      if (content !== undefined) images.push(withNames(content, entry, entries))
    }
    return images
  }

  /** An image by what people type; see {@link findImage}. */
  async get(wanted: string | Reference, platform: string | Platform | undefined): Promise<StoredImage> {
    const entries = await this.#index.read()
    const found = await this.find(entries, wanted)
    const entry = found.entries[0]!
    return withNames(await this.read(entry, platform), entry, entries)
  }

  async find(entries: readonly Descriptor[], wanted: string | Reference): ReturnType<typeof findImage> {
    return await findImage(entries, wanted, async (entry) => (await this.tryRead(entry))?.id)
  }

  /** Enters an image whose blobs are stored. `undefined` when some are gone again: another process removed them. */
  async enter(
    entry: Descriptor,
    reference: Reference | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StoredImage | undefined> {
    let image: StoredImage | undefined
    await this.#index.update(signal, async (entries) => {
      for (const digest of await reachableBlobs(this.#blobs, entry)) {
        if ((await this.#blobs.sizeOf(digest)) === undefined) return undefined
      }
      const changed =
        reference === undefined
          ? [...entries, entry]
          : withName(entries, renamed(entry, storedName(reference)))
      image = withNames(await this.read(entry), entry, changed)
      return { entries: changed }
    })
    return image
  }

  /** `undefined` for what is no image, or lacks some of it. */
  async tryRead(entry: Descriptor): Promise<ImageContent | undefined> {
    try {
      return await this.read(entry)
    } catch (error) {
      if (isRegistryError(error)) return undefined
      throw error
    }
  }

  async read(entry: Descriptor, platform?: string | Platform): Promise<ImageContent> {
    if (platform !== undefined)
      return await readImage(
        this.#blobs,
        entry,
        typeof platform === 'string' ? parsePlatform(platform) : platform,
      )
    const known = this.#known.get(entry.digest)
    if (known !== undefined) return known
    const content = await readImage(this.#blobs, entry)
    if (this.#known.size >= maxKnown) this.#known.clear()
    this.#known.set(entry.digest, content)
    return content
  }

  /** Forgets what was read of images that are gone. */
  forget(entries: readonly Descriptor[]): void {
    for (const { digest } of entries) this.#known.delete(digest)
  }
}
