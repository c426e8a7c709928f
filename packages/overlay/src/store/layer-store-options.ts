import type { LayerLimits } from '../archive/limits.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import type { MountStrategy } from '../mount/strategy.js'
import type { StorageLimit } from '../quota/storage-limit.js'

/** Settings of `LayerStore.open`. */
export interface LayerStoreOptions {
  /** Bounds for every layer that is added; see {@link LayerLimits} for the defaults. */
  readonly limits?: Partial<LayerLimits> | undefined
  /**
   * Write a layer to the disk before it shows (syncfs(2)), so that a power cut leaves no layer with holes.
   * Default true; false for stores that are thrown away. `'later'`, for those who can add a layer again: it shows at
   * once and reaches the disk in the background; after a power cut before that, `open` takes it away.
   */
  readonly durable?: boolean | 'later' | undefined
  /**
   * For an ordinary user: the user namespace that owners of files are ids of. Roots are then mounted in it, or in
   * another one with the same maps.
   */
  readonly userNamespace?: StoreUserNamespace | undefined
  /**
   * How the layers of new roots become one tree. Default `'overlay'`, the kernel's own; {@link findStrategy} tells what
   * there is. Roots that were made another way stay as they are.
   */
  readonly strategy?: MountStrategy | undefined
}

/** Settings of `LayerStore.add`. */
export interface AddLayerOptions {
  /** What the layer must turn out to be: `sha256:` and the hash of the uncompressed tar. */
  readonly diffId?: string | undefined
  /** Ends the work; what was unpacked is removed. */
  readonly signal?: AbortSignal | undefined
}

/** What a root file system stands on: layers of the store, or plain folders of the host. */
export type CreateRootOptions = (
  | {
      /** diffIDs from the bottom to the top. */
      readonly layers: readonly string[]
      readonly lower?: undefined
    }
  | {
      /** Folders from the bottom to the top; `['/']` for a copy-on-write sandbox of the host itself. */
      readonly lower: readonly string[]
      readonly layers?: undefined
    }
) & {
  /** See {@link OverlayDescription.volatile}. Default false. */
  readonly volatile?: boolean | undefined
  /**
   * A folder below the lowest layer: what no layer has shows through, such as the places that a runtime mounts
   * on. Default none.
   */
  readonly below?: string | undefined
  /**
   * How much may be written to it; of a copy, how much it may hold at all. Default: as much as the disk. Needs root,
   * and project quotas of the file system: ext4 or xfs, mounted with `prjquota`.
   */
  readonly storage?: StorageLimit | undefined
}

/** What `LayerStore.cleanup` has removed. */
export interface CleanupResult {
  /** Half made layers and half removed things of processes that died. */
  readonly abandoned: number
  /** Ids of the root file systems that nobody wanted to keep. */
  readonly roots: readonly string[]
}
