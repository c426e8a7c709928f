import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { LayerLimits } from '../archive/limits.js'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { addLayer, discard } from './add-layer.js'
import type { FlatTrees } from './flat-trees.js'
import { filesOf, readLayer, type Layer } from './layer-folder.js'
import type { AddLayerOptions } from './layer-store-options.js'
import { checkDiffId, type Layout } from './layout.js'
import { rootsOn } from './root-folder.js'
import { TemporaryFolder } from './temporary-folders.js'
import { UnsyncedLayers } from './unsynced-layers.js'

const settleAfterMs = 10_000

/** How a store treats its layers. */
export interface LayerSetOptions {
  readonly limits: LayerLimits
  readonly durable: boolean | 'later'
  readonly namespace: StoreUserNamespace | undefined
  readonly flat: FlatTrees
}

/** The layers of a store: what `LayerStore` says about them is done here. */
export class LayerSet {
  readonly #layout: Layout
  readonly #options: LayerSetOptions
  readonly #unsynced: UnsyncedLayers
  #settling: NodeJS.Timeout | undefined
  /** Layers never change, so that what was read once stays right as long as they are there. */
  readonly #known = new Map<string, Layer>()

  /** @param layout - Whose folders are there. */
  constructor(layout: Layout, options: LayerSetOptions) {
    this.#layout = layout
    this.#options = options
    this.#unsynced = UnsyncedLayers.of(layout)
  }

  /** Takes away what may not have reached the disk before the machine stopped. Before everything else. */
  async recover(): Promise<void> {
    await this.#unsynced.recover((diffId) => this.#takeAway(diffId))
    this.#unsynced.settle().catch(() => undefined) // the notes stay, for the next one
  }

  /** See `LayerStore.add`. */
  async add(source: AsyncIterable<Uint8Array>, { diffId, signal }: AddLayerOptions): Promise<Layer> {
    const existing = diffId === undefined ? undefined : this.get(diffId)
    if (existing !== undefined) {
      await discard(source)
      return existing
    }
    const { limits, durable, namespace } = this.#options
    const layer = await addLayer(this.#layout, source, {
      diffId,
      signal,
      limits,
      durable,
      unsynced: this.#unsynced,
      namespace,
    })
    if (durable === 'later') this.#settleSoon()
    return layer
  }

  /** See `LayerStore.get`. */
  get(diffId: string): Layer | undefined {
    const folder = this.#layout.layer(diffId)
    const known = this.#known.get(diffId)
    if (known !== undefined && existsSync(folder)) return known
    const layer = readLayer(folder)
    if (layer === undefined) this.#known.delete(diffId)
    else this.#known.set(diffId, layer)
    return layer
  }

  /** In the order of their diffIDs. */
  list(): readonly Layer[] {
    const names = readdirSync(this.#layout.layers).sort()
    return names.flatMap((name) => this.get(`sha256:${name}`) ?? [])
  }

  /** See `LayerStore.remove`. */
  async remove(diffId: string): Promise<void> {
    this.#layout.layer(diffId)
    this.#refuseUsed(diffId)
    // a root that was made in between either sees that the layer is gone, or is seen here
    await this.#takeAway(diffId, () => this.#refuseUsed(diffId))
  }

  /**
   * The folders of layers; what lies below one that hides all is left out. Overlayfs takes no folder twice: of a layer
   * that an image has several times the topmost counts, which covers all that the others show.
   */
  foldersOf(diffIds: readonly string[]): string[] {
    const layers = diffIds.map((diffId) => {
      const layer = this.get(diffId)
      if (layer !== undefined) return layer
      throw new OverlayError(
        'ERR_OVERLAY_NOT_FOUND',
        `cannot use the layer ${diffId}: it is not in the store`,
      )
    })
    const bottom = Math.max(
      layers.findLastIndex((layer) => layer.opaqueRoot),
      0,
    )
    const paths = layers.slice(bottom).map((layer) => layer.path)
    return paths.filter((path, index) => paths.lastIndexOf(path) === index)
  }

  /** @param check - What it throws brings the layer back. */
  async #takeAway(diffId: string, check: () => void = () => undefined): Promise<void> {
    const folder = this.#layout.layer(diffId)
    await using temporary = TemporaryFolder.create(this.#layout.temporary, this.#options.namespace)
    const away = join(temporary.path, 'layer')
    try {
      renameSync(folder, away)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return
      throw systemError('remove', folder, error)
    }
    try {
      check()
    } catch (error) {
      renameSync(away, folder)
      throw error
    }
    this.#known.delete(diffId)
    await this.#options.flat.forget(filesOf(folder))
  }

  #refuseUsed(diffId: string): void {
    const users = rootsOn(this.#layout, checkDiffId(diffId))
    if (users.length === 0) return
    throw new OverlayError(
      'ERR_OVERLAY_IN_USE',
      `cannot remove the layer ${diffId}: roots stand on it: ${users.join(', ')}`,
    )
  }

  /** A process that lives on does not leave it to the next one. */
  #settleSoon(): void {
    if (this.#settling !== undefined) return
    this.#settling = setTimeout(() => {
      this.#settling = undefined
      this.#unsynced.settle(0).catch(() => undefined) // the notes stay
    }, settleAfterMs).unref()
  }
}
