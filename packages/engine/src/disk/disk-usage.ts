import type { Runtime } from '@ctr/runtime'
import type { Containers } from '../containers/containers.js'
import { imageEntry } from '../translate/image-documents.js'
import { listEntry } from '../translate/list-containers.js'
import { volumeDocument } from '../translate/volume-document.js'
import type { ContainerSizes } from './container-sizes.js'
import { layersSize, sharedSize } from './image-sizes.js'

/** Kinds of things that `GET /system/df` can be asked for alone. */
export const diskUsageTypes = ['container', 'image', 'volume', 'build-cache'] as const
export type DiskUsageType = (typeof diskUsageTypes)[number]

/** What an engine keeps on disk, and how much that is. */
export class DiskUsage {
  readonly #runtime: Runtime
  readonly #containers: Containers
  readonly #sizes: ContainerSizes

  constructor(runtime: Runtime, containers: Containers, sizes: ContainerSizes) {
    this.#runtime = runtime
    this.#containers = containers
    this.#sizes = sizes
  }

  /** `GET /system/df`. */
  async document(types: ReadonlySet<DiskUsageType>): Promise<Record<string, unknown>> {
    return {
      ...(types.has('image') ? await this.#images() : {}),
      ...(types.has('container') ? { Containers: await this.#containerEntries() } : {}),
      ...(types.has('volume') ? { Volumes: await this.#volumes() } : {}),
      ...(types.has('build-cache') ? { BuildCache: [] } : {}),
    }
  }

  async #images(): Promise<Record<string, unknown>> {
    const { images } = this.#runtime
    const [all, sizes] = [await images.list(), images.layerSizes()]
    const containers = this.#containers.all()
    const usedBy = (id: string): number => containers.filter(({ document }) => document.imageId === id).length
    return {
      LayersSize: layersSize(sizes),
      Images: all.map((image) => ({
        ...imageEntry(image, sizes, all, usedBy(image.id)),
        SharedSize: sharedSize(image, all, sizes),
      })),
    }
  }

  async #containerEntries(): Promise<readonly object[]> {
    const entries: object[] = []
    for (const container of this.#containers.all())
      entries.push({ ...listEntry(container, this.#runtime), ...(await this.#sizes.of(container)) })
    return entries
  }

  async #volumes(): Promise<readonly object[]> {
    const entries: object[] = []
    for (const volume of this.#runtime.volumes.list()) {
      const Size = await volume.size()
      entries.push({ ...volumeDocument(volume), UsageData: { Size, RefCount: volume.users().length } })
    }
    return entries
  }
}
