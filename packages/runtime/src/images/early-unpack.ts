import type { FetchedLayer } from '@ctr/registry'
import type { LayerStore } from '@ctr/overlay'

/** Layers unpacked at the same time: beside inflating, each keeps a thread busy with files. */
const parallel = 2

/**
 * Unpacks layers as they come. Each shows once its bytes have ended, which they do only when they are those that the
 * image's manifest promises.
 */
export class EarlyUnpack {
  readonly #layers: LayerStore
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #unpacked: (diffId: string) => void
  readonly #waiting: FetchedLayer[] = []
  readonly #workers = new Set<Promise<void>>()
  readonly #added: string[] = []
  #failure: { readonly error: unknown } | undefined

  /** @param unpacked - Told of each layer that is there. */
  constructor(layers: LayerStore, signal: AbortSignal | undefined, unpacked: (diffId: string) => void) {
    this.#layers = layers
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
    this.#unpacked = unpacked
  }

  /** Takes a layer. */
  readonly add = (layer: FetchedLayer): void => {
    this.#waiting.push(layer)
    if (this.#workers.size >= parallel) return
    const worker = this.#work().finally(() => this.#workers.delete(worker))
    this.#workers.add(worker)
  }

  /**
   * Waits for all of them.
   *
   * @throws what the first that failed has thrown.
   */
  async finished(): Promise<void> {
    await Promise.all(this.#workers)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Gives up: what is half made is removed. Gives back the diffIDs of layers that were added. */
  async abandon(): Promise<readonly string[]> {
    this.#stop.abort()
    await Promise.all(this.#workers)
    return this.#added
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#failure !== undefined || this.#signal.aborted) return
      try {
        if (this.#layers.get(next.diffId) !== undefined) continue
        await this.#layers.add(next.pieces(), { diffId: next.diffId, signal: this.#signal })
        this.#added.push(next.diffId)
        this.#unpacked(next.diffId)
      } catch (error) {
        // of bytes that are not those of the layer: it comes once more, or its pull fails and says why
        if (await next.verified) this.#failure ??= { error }
      }
    }
  }
}
