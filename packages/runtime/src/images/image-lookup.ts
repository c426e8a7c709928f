import { statSync } from 'node:fs'
import { join } from 'node:path'
import {
  formatPlatform,
  isRegistryError,
  type ImageStore,
  type Platform,
  type StoredImage,
} from '@ctr/registry'
import { RuntimeError } from '../errors.js'

/** Finds images by what people call them, and remembers them until any process changes names or images. */
export class ImageLookup {
  readonly #store: ImageStore
  /** `index.json` of the image layout. */
  readonly #index: string
  readonly #known = new Map<string, StoredImage>()
  #knownStamp = ''

  constructor(store: ImageStore) {
    this.#store = store
    this.#index = join(store.blobs.folder, 'index.json')
  }

  /** @throws {@link RuntimeError} `ERR_RUNTIME_IMAGE_NOT_FOUND`. */
  async get(wanted: string, platform?: string | Platform): Promise<StoredImage> {
    if (platform !== undefined) return await this.#find(wanted, platform)
    const stamp = this.#stamp()
    if (stamp !== this.#knownStamp) {
      this.#known.clear()
      this.#knownStamp = stamp
    }
    const known = this.#known.get(wanted)
    if (known !== undefined) return known
    const image = await this.#find(wanted)
    if (stamp === this.#stamp()) this.#known.set(wanted, image)
    return image
  }

  async #find(wanted: string, platform?: string | Platform): Promise<StoredImage> {
    try {
      return await this.#store.get(wanted, { platform })
    } catch (cause) {
      const isOther = isRegistryError(cause) && cause.code === 'ERR_REGISTRY_NO_PLATFORM'
      if (!isRegistryError(cause) || (cause.code !== 'ERR_REGISTRY_NO_IMAGE' && !isOther)) throw cause
      throw new RuntimeError(
        'ERR_RUNTIME_IMAGE_NOT_FOUND',
        `cannot find image ${wanted}: it is not here${isOther && platform !== undefined ? ` for ${typeof platform === 'string' ? platform : formatPlatform(platform)}` : ''}; pull it first`,
        { cause },
      )
    }
  }

  /** Changes whenever any process changes names or images: the index is a new file then. */
  #stamp(): string {
    const stat = statSync(this.#index, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? 'none' : `${stat.ino} ${stat.mtimeNs} ${stat.size}` // there is none before the first image
  }
}
