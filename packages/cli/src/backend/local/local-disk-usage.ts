import type { Runtime } from '@ctr/runtime'
import { diskSum, type DiskItem } from '../disk-sum.js'
import type { DiskUsage } from '../rows.js'

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
