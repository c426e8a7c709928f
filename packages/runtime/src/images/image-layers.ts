import { isOverlayError, type LayerStore } from '@ctr/overlay'
import type { ImageStore, StoredImage } from '@ctr/registry'
import type { WarmRoots } from '../container/warm-roots.js'

/** The unpacked layers of images: made from their blobs, and removed when no image has them. */
export class ImageLayers {
  readonly #store: ImageStore
  readonly #layers: LayerStore
  readonly #roots: WarmRoots

  constructor(store: ImageStore, layers: LayerStore, roots: WarmRoots) {
    this.#store = store
    this.#layers = layers
    this.#roots = roots
  }

  /** Unpacks the layers of an image that are not unpacked yet. */
  async unpack(image: StoredImage, signal?: AbortSignal, onLayer?: (diffId: string) => void): Promise<void> {
    for (const layer of image.layers) {
      if (this.#layers.get(layer.diffId) !== undefined) continue
      await this.#layers.add(layer.open(), { diffId: layer.diffId, signal })
      onLayer?.(layer.diffId)
    }
  }

  /** Bytes of each as a plain archive, by diffID; 0 for one that is damaged. */
  sizes(): ReadonlyMap<string, number> {
    return new Map([...this.#layers.ages().keys()].map((diffId) => [diffId, this.#size(diffId)]))
  }

  /** Removes those of some that no image has. */
  async removeUnused(diffIds: readonly string[]): Promise<void> {
    if (diffIds.length === 0) return
    const used = await this.#used()
    for (const diffId of diffIds) if (!used.has(diffId)) await this.#remove(diffId)
  }

  /**
   * Removes all that no image has and that are old enough. What is looked at is listed before the images are: a layer of
   * an image that is named meanwhile is seen to be used.
   */
  async prune(minAgeMs: number): Promise<{ readonly layers: readonly string[]; readonly bytes: number }> {
    const old = [...this.#layers.ages()].filter(([, madeAt]) => Date.now() - madeAt >= minAgeMs)
    const used = await this.#used()
    const gone: string[] = []
    let bytes = 0
    for (const [diffId] of old) {
      if (used.has(diffId)) continue
      const size = this.#size(diffId)
      if (!(await this.#remove(diffId))) continue
      gone.push(diffId)
      bytes += size
    }
    return { layers: gone, bytes }
  }

  async #used(): Promise<ReadonlySet<string>> {
    const images = await this.#store.list()
    return new Set(images.flatMap(({ layers }) => layers.map(({ diffId }) => diffId)))
  }

  #size(diffId: string): number {
    try {
      return this.#layers.get(diffId)?.size ?? 0
    } catch {
      return 0 // its description is damaged
    }
  }

  /** False when something stands on it. */
  async #remove(diffId: string): Promise<boolean> {
    await this.#roots.release(diffId)
    try {
      await this.#layers.remove(diffId)
      return true
    } catch (error) {
      // another process keeps a warm root on it, and goes without it from its next clean-up on
      if (!isOverlayError(error) || error.code !== 'ERR_OVERLAY_IN_USE') throw error
      return false
    }
  }
}
