import type { SaveFormat } from '../archives/write-layout.js'
import type { StoredImage } from './stored-image.js'
import type { ArchiveLimits } from '../archives/read-archive.js'
import { RegistryClient, type RegistryClientOptions } from '../client/registry-client.js'
import type { Platform } from '../manifest/platform.js'
import type { Reference } from '../reference/reference.js'
import type { FetchImageOptions, TransferOptions } from './pull-image.js'

/** Settings of `ImageStore.pull`. */
export interface PullOptions extends FetchImageOptions, RegistryClientOptions {
  /** All that the index has: the name stands for the whole index then. Default: the one of `platform`. */
  readonly platforms?: 'all' | undefined
  /** A client to use, which stays open; the client options are then not looked at. Default: one of its own. */
  readonly client?: RegistryClient | undefined
}

/** Settings of `ImageStore.push`. */
export interface PushOptions extends TransferOptions, RegistryClientOptions {
  /** The image to push, by name or id. Default: the one that has the reference's name here. */
  readonly image?: string | Reference | undefined
  /** Of an image with all platforms, push this one alone. Default: the whole index. */
  readonly platform?: string | Platform | undefined
  /** A repository of the same registry that may have the layers already. */
  readonly mountFrom?: string | undefined
  /** A client to use, which stays open; the client options are then not looked at. Default: one of its own. */
  readonly client?: RegistryClient | undefined
}

/** Settings of `ImageStore.add`. */
export interface AddOptions {
  /** Name of the image. Without it the image is found by its id. */
  readonly reference?: string | Reference | undefined
  readonly signal?: AbortSignal | undefined
}

/** Settings of `ImageStore.remove`. */
export interface RemoveImageOptions {
  /**
   * Of an image that is here with several platforms, this one alone: the name then stands for an index of the others.
   * Default: all of it.
   */
  readonly platform?: string | Platform | undefined
}

/** Settings of `ImageStore.load`. */
export interface LoadOptions extends ArchiveLimits {
  /** Of images with several platforms, this one alone. Default: all that are in the archive. */
  readonly platform?: string | Platform | undefined
  readonly signal?: AbortSignal | undefined
}

/** Settings of `ImageStore.save`. */
export interface SaveOptions extends SaveLayoutOptions {
  /** Default `'docker'`. */
  readonly format?: SaveFormat | undefined
}

/** Settings of `ImageStore.saveLayout`. */
export interface SaveLayoutOptions {
  /** Of images with all platforms, this one alone. Default: all that are here. */
  readonly platform?: string | Platform | undefined
  readonly signal?: AbortSignal | undefined
}

/** An image of an archive, as it is now in the store. */
export interface LoadedImage extends StoredImage {
  /** Those of its names that the archive has for it. */
  readonly loadedNames: readonly string[]
}

/** What `ImageStore.remove` did. */
export interface RemovedImage {
  /** Names that are gone. */
  readonly untagged: readonly string[]
  /** Blobs that are gone: none while other names or images use them. */
  readonly deleted: readonly string[]
}

/** What `ImageStore.prune` removed. */
export interface PrunedBlobs {
  /** Ids of images that had no name. */
  readonly images: readonly string[]
  /** Digests. */
  readonly blobs: readonly string[]
  /** Bytes of these blobs. */
  readonly bytes: number
}

/** Works with the client that was given, or with one of its own that is closed in the end. */
export async function withClient<T>(
  { client, ...options }: RegistryClientOptions & { readonly client?: RegistryClient | undefined },
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  if (client !== undefined) return await work(client)
  await using own = new RegistryClient(options)
  return await work(own)
}
