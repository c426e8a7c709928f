import type { LayerStore } from '@ctr/overlay'
import { WarmRoot, type RootBase } from './warm-root.js'
import { ownerOfRoot, type WantedRoot, type WarmRoots } from './warm-roots.js'

/** How long a root stays mounted that no program runs in: most are started, or removed, before. */
const restMs = 250

interface KnownRoot {
  readonly warm: WarmRoot
  /** Set while no program runs in it. */
  resting: NodeJS.Timeout | undefined
}

/**
 * Roots of containers that outlive this process and are started any number of times. They are mounted here, and stay
 * so for a moment after the end of the program: the kernel syncs a whole file system when the last mount of such a root
 * goes, and would do so before anybody learns of the end. Most containers are removed by then, and their roots given to
 * the next ones.
 *
 * When this process is killed its mounts go; those that programs run in are the programs' own.
 */
export class KeptRoots {
  readonly #layers: LayerStore
  readonly #warm: WarmRoots
  /** By their ids. */
  readonly #known = new Map<string, KnownRoot>()
  readonly #unmounting = new Map<string, Promise<void>>()

  constructor(layers: LayerStore, warm: WarmRoots) {
    this.#layers = layers
    this.#warm = warm
  }

  /** A root for a new container. */
  async make(base: RootBase, wanted: WantedRoot): Promise<WarmRoot> {
    const warm = await this.#warm.take(base, wanted)
    this.#known.set(warm.root.id, { warm, resting: undefined })
    this.rest(warm.root.id)
    return warm
  }

  /** Mounts a root for a program. Undefined for one that was not made here. */
  async open(rootId: string, base: RootBase): Promise<WarmRoot | undefined> {
    if (ownerOfRoot(rootId) === undefined) return undefined
    const known = this.#known.get(rootId)
    if (known !== undefined) {
      clearTimeout(known.resting)
      known.resting = undefined
      // another process may have written to it meanwhile, which this mount need not see
      if (known.warm.isUntouched()) return known.warm
      this.#unmount(rootId)
    }
    await this.#unmounting.get(rootId)
    const warm = new WarmRoot(await this.#layers.openRoot(rootId), base)
    this.#known.set(rootId, { warm, resting: undefined })
    return warm
  }

  /** A root that is mounted here, of a container that does not run. */
  mounted(rootId: string | null): WarmRoot | undefined {
    return rootId === null ? undefined : this.#known.get(rootId)?.warm
  }

  /** No program runs in it any more. */
  rest(rootId: string): void {
    const known = this.#known.get(rootId)
    if (known === undefined) return
    clearTimeout(known.resting)
    known.resting = setTimeout(() => this.#unmount(rootId), restMs).unref()
  }

  /**
   * Its container is being removed.
   *
   * @param reusable - False when the container could have changed the mount itself.
   * @returns It, where another container can have it; to be kept among the warm ones once nothing names it any more.
   */
  takeOut(rootId: string, reusable: boolean): WarmRoot | undefined {
    const warm = this.#known.get(rootId)?.warm
    if (warm === undefined) return undefined
    if (!reusable || !warm.isUntouched()) {
      this.#unmount(rootId)
      return undefined
    }
    this.#forget(rootId)
    return warm
  }

  /** Unmounts it, in the background. */
  letGo(rootId: string): void {
    if (this.#known.has(rootId)) this.#unmount(rootId)
  }

  /** Unmounts all. */
  async close(): Promise<void> {
    for (const rootId of [...this.#known.keys()]) this.#unmount(rootId)
    await Promise.all(this.#unmounting.values())
  }

  #unmount(rootId: string): void {
    const { warm } = this.#known.get(rootId)!
    this.#forget(rootId)
    const unmounting = this.#warm.unmount(warm).finally(() => {
      if (this.#unmounting.get(rootId) === unmounting) this.#unmounting.delete(rootId)
    })
    this.#unmounting.set(rootId, unmounting)
  }

  #forget(rootId: string): void {
    clearTimeout(this.#known.get(rootId)?.resting)
    this.#known.delete(rootId)
  }
}
