import type { Runtime } from '@ctr/runtime'
import { diskSum, type DiskItem } from '../disk-sum.js'
import type { ContainerRow, DiskDetails, DiskUsage } from '../rows.js'
import { imageRow } from './local-rows.js'

/** What everything of this machine's runtime takes on disk. The roots of containers are not counted. */
export async function localDiskUsage(runtime: Runtime): Promise<DiskUsage> {
  const images = await runtime.images.list()
  const containers = runtime.containers().map((container) => container.inspect())
  const volumes: DiskItem[] = []
  for (const volume of runtime.volumes.list())
    volumes.push({ size: await volume.size(), isActive: volume.users().length > 0 })
  return {
    images: diskSum(
      images.map(({ id, size }) => ({ size, isActive: containers.some(({ imageId }) => imageId === id) })),
    ),
    containers: {
      total: containers.length,
      active: containers.filter(({ status }) => status === 'running').length,
      size: undefined,
      reclaimable: undefined,
    },
    volumes: diskSum(volumes),
  }
}

/** The same thing by thing; the roots of containers are read for it. */
export async function localDiskDetails(
  { images, volumes }: Runtime,
  measured: () => Promise<readonly ContainerRow[]>,
): Promise<DiskDetails> {
  const [all, containers] = [await images.list(), await measured()]
  const users = (diffId: string): number =>
    all.filter(({ layers }) => layers.some((layer) => layer.diffId === diffId)).length
  const sizes: { readonly name: string; readonly links: number; readonly size: number }[] = []
  for (const volume of volumes.list())
    sizes.push({ name: volume.name, links: volume.users().length, size: await volume.size() })
  return {
    images: all.map((image) => ({
      ...imageRow(image),
      shared: image.layers
        .filter(({ diffId }) => users(diffId) > 1)
        .reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      containers: containers.filter(({ imageId }) => imageId === image.id).length,
    })),
    containers,
    volumes: sizes,
  }
}
