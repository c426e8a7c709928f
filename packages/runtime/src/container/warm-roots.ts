import type { LayerStore } from '@ctr/overlay'
import { WarmRoot, type RootBase } from './warm-root.js'

/** How many unused roots are kept. Each is an overlay without content, most of them mounted. */
const MOST_SPARE = 16

/** What is asked of a root. */
export interface WantedRoot {
  /** Nothing of it is synced, and a crash of the machine may lose it. */
  readonly volatile: boolean
}

/**
 * Copy-on-write roots for containers. One that was not written to is as good as new: it is kept mounted for the next
 * container on the same layers, which spares the file system the making and removing of a dozen files, and a sync of
 * all that anybody has written to it: the largest part of a container's start and end on a busy disk.
 *
 * Names begin with the owner's, so that other processes leave them alone as long as it lives; after that those that a
 * container's record names stay.
 */
export class WarmRoots implements AsyncDisposable {
  readonly #layers: LayerStore
  readonly #owner: string
  readonly #mountpoints: string
  readonly #spare = new Map<string, WarmRoot[]>()
  #made = 0
  /** What is being unmounted, one after the other: a thread of the pool is enough for all the syncs. */
  #unmounting: Promise<void> = Promise.resolve()

  constructor(layers: LayerStore, owner: string, mountpoints: string) {
    this.#layers = layers
    this.#mountpoints = mountpoints
    this.#owner = owner
  }

  /** A root on `base` that nobody has written to. */
  async take(base: RootBase, wanted: WantedRoot): Promise<WarmRoot> {
    return this.#spare.get(keyOf(base, wanted))?.pop() ?? (await this.#make(base, wanted))
  }

  /**
   * Takes a root back. Kept if it is as it was when it was made, removed otherwise.
   *
   * @param reusable - False when its container could have changed the mount itself (`CAP_SYS_ADMIN`).
   */
  async giveBack(warm: WarmRoot, reusable: boolean): Promise<void> {
    if (reusable && warm.isUntouched()) await this.keep(warm)
    else await this.#discard(warm)
  }

  /** Keeps a root that is as it was when it was made, while there is room. */
  async keep(warm: WarmRoot): Promise<void> {
    if (this.#count() >= MOST_SPARE) {
      await this.#discard(warm)
      return
    }
    const key = keyOf(warm.base, { volatile: warm.root.description.volatile === true })
    const list = this.#spare.get(key)
    if (list === undefined) this.#spare.set(key, [warm])
    else list.push(warm)
  }

  /** Unmounts a root, after those that are being unmounted. */
  unmount(warm: WarmRoot): Promise<void> {
    if (warm.root.description.volatile === true) return warm.unmount()
    const unmounting = this.#unmounting.then(() => warm.unmount())
    this.#unmounting = unmounting
    return unmounting
  }

  /** Removes the unused roots that stand on a layer, so that it can be removed. */
  async release(diffId: string): Promise<void> {
    for (const [key, list] of this.#spare) {
      if (list[0]?.root.layers.includes(diffId) !== true) continue
      this.#spare.delete(key)
      for (const warm of list) await this.#discard(warm)
    }
  }

  /** Removes all unused roots. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#spare.values()].flat()
    this.#spare.clear()
    for (const warm of all) await this.#discard(warm)
    await this.#unmounting
  }

  async #make(base: RootBase, { volatile }: WantedRoot): Promise<WarmRoot> {
    const root = await this.#layers.createRoot(`warm-${this.#owner}-${this.#made++}`, {
      ...base,
      volatile,
      ...belowLayers(base, this.#mountpoints),
    })
    return new WarmRoot(root, base)
  }

  /** Nobody waits for the unmounting: nothing is to become of its files. */
  async #discard(warm: WarmRoot): Promise<void> {
    void this.unmount(warm)
    await warm.root.remove()
  }

  #count(): number {
    return [...this.#spare.values()].reduce((sum, list) => sum + list.length, 0)
  }
}

/** The places that are mounted on, below layers; a folder of the host has them, and overlayfs wants no overlaps. */
export function belowLayers(base: RootBase, mountpoints: string): { readonly below?: string } {
  return 'layers' in base ? { below: mountpoints } : {}
}

/** Name of the owner of a warm root, from the root's; undefined for other roots. */
export function ownerOfRoot(rootId: string): string | undefined {
  return /^warm-(\d+-[0-9a-f]+)-\d+$/.exec(rootId)?.[1]
}

function keyOf(base: RootBase, { volatile }: WantedRoot): string {
  return `${volatile ? 'volatile' : 'kept'} ${JSON.stringify(base)}`
}
