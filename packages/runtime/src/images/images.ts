import type { Readable } from 'node:stream'
import {
  readDockerCredentials,
  RegistryClient,
  type AddOptions,
  type CredentialSource,
  type Descriptor,
  type ImageStore,
  type LoadedImage,
  type LoadOptions,
  type NewImage,
  type Platform,
  type RegistryClientOptions,
  type RemoveImageOptions,
  type SaveLayoutOptions,
  type SaveOptions,
  type SignaturePolicy,
  type StoredImage,
  checkLogin,
  type PasswordCredentials,
} from '@ctr/registry'
import type { LayerStore } from '@ctr/overlay'
import { imagesOf } from '../container/images-of.js'
import type { ContainerRecords } from '../container/records.js'
import type { WarmRoots } from '../container/warm-roots.js'
import { RuntimeError } from '../errors.js'
import { addUnpacked, type ImageStores, type NewTopLayer } from './add-unpacked.js'
import { isNameOf } from './is-name-of.js'
import { EarlyUnpack } from './early-unpack.js'
import { download, importImage, type ImportOptions } from './import-image.js'
import { ImageLayers } from './image-layers.js'
import { ImageLookup } from './image-lookup.js'
import { pruneImages, type PrunedImages, type PruneImagesOptions, type RemovedImage } from './prune-images.js'
import { RemoteImages } from './remote-images.js'
import type { PullImageOptions, PushImageOptions } from './transfer-options.js'
import { verifyImages, type ImagesCheck, type VerifyOptions } from './verify-images.js'

/** What images have to do with besides their store. */
export interface ImageParts {
  readonly layers: LayerStore
  readonly records: ContainerRecords
  readonly roots: WarmRoots
}

/** Registries as a runtime uses them. */
export interface ImageSources {
  readonly client: RegistryClientOptions
  /** Of pulls that bring none of their own. */
  readonly policy: SignaturePolicy | undefined
}

/** Images of a runtime: pulled from registries, unpacked into layers, ready to run. */
export class Images {
  /** Those that registries have. */
  readonly remote: RemoteImages
  readonly #store: ImageStore
  readonly #layers: LayerStore
  readonly #records: ContainerRecords
  readonly #lookup: ImageLookup
  readonly #unpacking: ImageLayers
  readonly #client: RegistryClientOptions
  readonly #policy: SignaturePolicy | undefined

  constructor(store: ImageStore, { layers, records, roots }: ImageParts, { client, policy }: ImageSources) {
    this.#store = store
    this.#layers = layers
    this.#records = records
    this.#lookup = new ImageLookup(store)
    this.#unpacking = new ImageLayers(store, layers, roots)
    this.#client = client
    this.#policy = policy
    this.remote = new RemoteImages(client)
  }

  /**
   * Checks a name and password against a registry; nothing is stored.
   *
   * @returns What to send from then on: an identity token where the registry gives one.
   * @throws `RegistryError` `ERR_REGISTRY_UNAUTHORIZED`: it does not take them.
   */
  async checkLogin(
    registry: string,
    credentials: PasswordCredentials,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): ReturnType<typeof checkLogin> {
    return await checkLogin(registry, credentials, { ...this.#client, signal })
  }

  /**
   * Pulls an image and unpacks its layers. What is here already is not fetched again.
   *
   * @param reference - As Docker takes it: `busybox`, `ghcr.io/team/app:1.2`, `127.0.0.1:5000/app@sha256:...`.
   * @throws `RegistryError` as the registry answers; `OverlayError` for a layer that cannot be unpacked;
   *   Node's `AbortError`.
   */
  async pull(
    reference: string,
    {
      onProgress,
      credentials,
      registries = this.#client,
      policy = this.#policy,
      ...options
    }: PullImageOptions = {},
  ): Promise<StoredImage> {
    await using client = new RegistryClient({
      ...registries,
      credentials: credentials ?? dockerCredentials,
    })
    const unpacked = (diffId: string): void => onProgress?.({ kind: 'unpacked', diffId })
    const early = new EarlyUnpack(this.#layers, options.signal, unpacked)
    try {
      const onLayer = early.add
      const image = await this.#store.pull(reference, { ...options, policy, client, onProgress, onLayer })
      await early.finished()
      await this.unpack(image, options.signal, unpacked)
      return image
    } catch (error) {
      await this.#unpacking.removeUnused(await early.abandon())
      throw error
    }
  }

  /**
   * Pushes an image to the registry of its name.
   *
   * @throws `RegistryError`.
   */
  async push(
    reference: string,
    { credentials, registries = this.#client, ...options }: PushImageOptions = {},
  ): Promise<Descriptor> {
    await using client = new RegistryClient({
      ...registries,
      credentials: credentials ?? dockerCredentials,
    })
    return await this.#store.push(reference, { ...options, client })
  }

  /** Makes an image from layers and a config. */
  async add(image: NewImage, options: AddOptions = {}): Promise<StoredImage> {
    const added = await this.#store.add(image, options)
    await this.unpack(added, options.signal)
    return added
  }

  /**
   * Makes an image of one layer: all files of a tar, plain or compressed with gzip or zstd.
   *
   * @param source - The tar, or where it is on the web.
   * @throws `RuntimeError` `ERR_RUNTIME_INVALID_ARG`: a change or an address that cannot be; `ERR_RUNTIME_DOWNLOAD`;
   *   `OverlayError`: an archive that is none; `RegistryError`; Node's `AbortError`. No image is left then.
   */
  async import(
    source: AsyncIterable<Uint8Array> | string,
    options: ImportOptions = {},
  ): Promise<StoredImage> {
    const tar = typeof source === 'string' ? await download(source, options.signal) : source
    return await importImage(this.#stores, tar, options)
  }

  /** @internal Makes an image of the layers of another one and one more. */
  async addOnTop(
    layer: NewTopLayer,
    options: { readonly reference?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<StoredImage> {
    return await addUnpacked(this.#stores, layer, options)
  }

  /**
   * Brings in the images of an archive of `docker save` or of an OCI layout, and unpacks their layers.
   *
   * @throws `RegistryError` for an archive that is none or damaged; `OverlayError` for a layer that cannot be
   *   unpacked; Node's `AbortError`.
   */
  async load(archive: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<readonly LoadedImage[]> {
    return await this.#unpacked(await this.#store.load(archive, options), options.signal)
  }

  /**
   * Brings in the images of a folder that is an OCI image layout, and unpacks their layers.
   *
   * @throws as {@link Images.load}.
   */
  async loadLayout(folder: string, options: LoadOptions = {}): Promise<readonly LoadedImage[]> {
    return await this.#unpacked(await this.#store.loadLayout(folder, options), options.signal)
  }

  async #unpacked(
    images: readonly LoadedImage[],
    signal: AbortSignal | undefined,
  ): Promise<readonly LoadedImage[]> {
    for (const image of images) await this.unpack(image, signal)
    return images
  }

  /**
   * Writes images into an archive that `docker load` and {@link Images.load} read.
   *
   * @param wanted - Names or ids.
   */
  async save(wanted: readonly string[], options: SaveOptions = {}): Promise<Readable> {
    for (const one of wanted) await this.get(one, options) // its error says what to do
    return await this.#store.save(wanted, options)
  }

  /**
   * Writes images into a new folder as an OCI image layout, which {@link Images.loadLayout} and skopeo's `oci:` read.
   *
   * @param wanted - Names or ids.
   */
  async saveLayout(
    wanted: readonly string[],
    folder: string,
    options: SaveLayoutOptions = {},
  ): Promise<void> {
    for (const one of wanted) await this.get(one, options)
    await this.#store.saveLayout(wanted, folder, options)
  }

  get #stores(): ImageStores {
    return {
      store: this.#store,
      layers: this.#layers,
      removeUnused: (diffIds) => this.#unpacking.removeUnused(diffIds),
    }
  }

  /** All images. */
  async list(): Promise<readonly StoredImage[]> {
    return await this.#store.list()
  }

  /** Bytes of the layers that are unpacked, as plain archives, by diffID; 0 for one that is damaged. */
  layerSizes(): ReadonlyMap<string, number> {
    return this.#unpacking.sizes()
  }

  /**
   * An image by reference, digest, id or the beginning of one.
   *
   * @param platform - It must be for this one, `os/architecture[/variant]`. Default: of several, this machine's.
   * @throws {@link RuntimeError} `ERR_RUNTIME_IMAGE_NOT_FOUND`.
   */
  async get(
    wanted: string,
    { platform }: { readonly platform?: string | Platform | undefined } = {},
  ): Promise<StoredImage> {
    return await this.#lookup.get(wanted, platform)
  }

  /** Gives an image one more name. */
  async tag(wanted: string, name: string): Promise<void> {
    await this.#store.tag(wanted, name)
  }

  /**
   * Removes a name, and with the last one the image and the layers that no other image uses; with a platform that one
   * alone of an image that is here with several.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_IMAGE_NOT_FOUND`; `ERR_RUNTIME_IMAGE_IN_USE`: a container, running or not, stands on it.
   */
  async remove(wanted: string, options: RemoveImageOptions = {}): Promise<RemovedImage> {
    const image = await this.get(wanted, options)
    const user = this.#records.list().find((record) => imagesOf(record).includes(image.id))
    const leavesNames = image.references.length > 1 && isNameOf(image, wanted)
    if (user !== undefined && !leavesNames) {
      throw new RuntimeError(
        'ERR_RUNTIME_IMAGE_IN_USE',
        `cannot remove image ${wanted}: container ${user.name} ${user.imageId === image.id ? 'is made from it' : 'has it mounted'}; remove that first`,
      )
    }
    const result = await this.#store.remove(wanted, options)
    await this.#unpacking.removeUnused(image.layers.map(({ diffId }) => diffId))
    return result
  }

  /** Takes a name away from an image, which stays, without a name if that was the last: of one that containers use. */
  async untag(name: string): Promise<void> {
    await this.#store.untag(name)
  }

  /**
   * Checks everything that is stored: every blob against its digest, the documents of images, every unpacked layer
   * against its blob, and what the roots of containers stand on. Takes as long as unpacking all of it.
   */
  async verify(options: VerifyOptions = {}): Promise<ImagesCheck> {
    return await verifyImages(this.#store, this.#layers, this.#records, options)
  }

  /**
   * Removes what nobody uses: images without a name that no container is made from, blobs and layers that no image
   * names, such as those of pulls that were killed.
   */
  async prune(options: PruneImagesOptions = {}): Promise<PrunedImages> {
    const parts = {
      store: this.#store,
      layers: this.#unpacking,
      used: this.#records.list().flatMap(imagesOf),
      remove: this.remove.bind(this),
    }
    return await pruneImages(parts, options)
  }

  /** Unpacks the layers of an image that are not unpacked yet. */
  async unpack(image: StoredImage, signal?: AbortSignal, onLayer?: (diffId: string) => void): Promise<void> {
    await this.#unpacking.unpack(image, signal, onLayer)
  }
}

const dockerCredentials: CredentialSource = (registry) => readDockerCredentials(registry)
