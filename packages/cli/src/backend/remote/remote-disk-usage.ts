import { diskSum, type DiskItem } from '../disk-sum.js'
import type { DiskDetails, DiskSum, DiskUsage } from '../rows.js'
import type { DaemonClient } from './daemon-client.js'
import { containerRow, imageRow, type ListedContainer, type ListedImage } from './remote-rows.js'

interface Answer {
  readonly LayersSize?: number
  readonly Images?:
    readonly (ListedImage & { readonly SharedSize: number; readonly Containers: number })[] | null
  readonly Containers?: readonly ListedContainer[] | null
  readonly Volumes?: readonly ListedVolume[] | null
}

interface ListedVolume {
  readonly Name: string
  /** -1 is unknown. */
  readonly UsageData?: { readonly Size: number; readonly RefCount: number } | null
}

/** What a daemon keeps on disk, counted as Docker's client does. */
export async function remoteDiskUsage(client: DaemonClient): Promise<DiskUsage> {
  const { LayersSize, Images, Containers, Volumes } = await client.json<Answer>('GET', '/system/df')
  return {
    images: ofImages(Images ?? [], LayersSize),
    containers: diskSum(containersOf(Containers)),
    volumes: diskSum(volumesOf(Volumes)),
  }
}

/** The same thing by thing. */
export async function remoteDiskDetails(client: DaemonClient): Promise<DiskDetails> {
  const { Images, Containers, Volumes } = await client.json<Answer>('GET', '/system/df')
  return {
    images: (Images ?? []).map((image) => ({
      ...imageRow(image),
      shared: Math.max(0, image.SharedSize),
      containers: Math.max(0, image.Containers),
    })),
    containers: (Containers ?? []).map(containerRow),
    volumes: (Volumes ?? []).map(({ Name, UsageData }) => ({
      name: Name,
      links: Math.max(0, UsageData?.RefCount ?? 0),
      size: Math.max(0, UsageData?.Size ?? 0),
    })),
  }
}

/** Layers that images share count once, as a whole; of an image in use what it alone has. */
function ofImages(images: NonNullable<Answer['Images']>, size = 0): DiskSum {
  const active = images.filter((image) => image.Containers > 0)
  const used = active.reduce((sum, image) => sum + Math.max(0, image.Size - Math.max(0, image.SharedSize)), 0)
  return { total: images.length, active: active.length, size, reclaimable: Math.max(0, size - used) }
}

const alive = ['running', 'paused', 'restarting']

function containersOf(containers: Answer['Containers']): readonly DiskItem[] {
  return (containers ?? []).map(({ SizeRw = 0, State }) => ({
    size: SizeRw,
    isActive: alive.includes(State),
  }))
}

function volumesOf(volumes: Answer['Volumes']): readonly DiskItem[] {
  return (volumes ?? []).map(({ UsageData }) => ({
    size: Math.max(0, UsageData?.Size ?? 0),
    isActive: (UsageData?.RefCount ?? 0) > 0,
  }))
}
