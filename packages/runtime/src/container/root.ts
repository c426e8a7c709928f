import { lchownSync, lstatSync } from 'node:fs'
import { Fd } from '@ctr/linux'
import { openIdmappedMount } from '@ctr/namespaces'
import { overlayParameters } from '@ctr/overlay'
import type { StoredImage } from '@ctr/registry'
import type { Context } from '../context.js'
import { refuseCovered } from '../rootless/refuse-covered.js'
import { isCopyOnWrite, type RunOptions } from '../options.js'
import type { Rollback } from '../rollback.js'
import type { RootSource } from '../setup/rootfs.js'
import type { ContainerIds } from '../userns/container-ids.js'
import type { ContainerUserNamespace } from '../userns/open-user-namespace.js'
import type { ContainerRecord } from './record.js'
import type { ContainerSpec } from './spec.js'
import { belowLayers, type RootBase, type WarmRoot } from './warm-roots.js'

/** The root file system of a container that is to be made. */
export interface PreparedRoot {
  /** Name in the layer store; null for a folder that is used as it is. */
  readonly id: string | null
  readonly source: RootSource
  /** Set where it goes back to the warm roots at the end. */
  readonly warm: WarmRoot | undefined
  /** A mount to be closed once the container has it. */
  readonly mount: Fd | undefined
}

/** What a container's copy-on-write root stands on; undefined when it works in a folder itself. */
export function rootBase(options: RunOptions, image: StoredImage | undefined): RootBase | undefined {
  if (image !== undefined) return { layers: image.layers.map(({ diffId }) => diffId) }
  return isCopyOnWrite(options) ? { lower: [options.rootfs!] } : undefined
}

/**
 * Chooses the root: the folder itself, a root of its own for a container that outlives this process, a warm one
 * for all others, where the kernel can copy it. An ordinary user cannot mount a root beforehand: the child does it in
 * its user namespace. For a user namespace that root has made the root is mounted here, seen through its ids.
 */
export async function prepareRoot(
  context: Context,
  { record, options, image, kept }: ContainerSpec,
  rollback: Rollback,
  userns: ContainerUserNamespace | undefined,
): Promise<PreparedRoot> {
  if (kept !== undefined) return await keptRoot(context, kept)
  const base = rootBase(options, image)
  const none = { warm: undefined, mount: undefined }
  if (base === undefined) {
    if (userns === undefined) return { ...none, id: null, source: { folder: options.rootfs! } }
    const mount = new Fd(await openIdmappedMount(options.rootfs!, userns, { recursive: true }))
    return { id: null, source: { given: mount.number }, warm: undefined, mount }
  }
  if (
    !record.detached &&
    context.rootless === undefined &&
    userns === undefined &&
    context.host.clonesDetachedMounts
  ) {
    const warm = await context.roots.take(base)
    rollback.defer(() => context.roots.giveBack(warm, false))
    return { id: warm.root.id, source: { mount: warm.mount.number }, warm, mount: undefined }
  }
  if (context.rootless !== undefined && 'lower' in base) refuseCovered(base.lower)
  const root = await context.layers.createRoot(record.id, {
    ...base,
    ...belowLayers(base, context.mountpoints),
    volatile: !record.detached,
  })
  rollback.defer(() => root.remove())
  if (userns === undefined)
    return { ...none, id: root.id, source: { overlay: overlayParameters(root.description) } }
  giveUpper(root.description.upper!, userns.ids)
  const mount = root.mountIdmapped(userns.fd)
  return { id: root.id, source: { given: mount.number }, warm: undefined, mount }
}

/** The root of a container that was created before, with what was written to it since. */
async function keptRoot({ layers }: Context, { rootId, rootfs }: ContainerRecord): Promise<PreparedRoot> {
  const none = { id: rootId, warm: undefined, mount: undefined }
  if (rootId === null) return { ...none, source: { folder: rootfs! } }
  const { description } = await layers.openRoot(rootId)
  return { ...none, source: { overlay: overlayParameters(description) } }
}

/** The upper folder is the root that the container sees, and is not mapped: it belongs to whom its owner inside is. */
function giveUpper(upper: string, ids: ContainerIds): void {
  const owner = ids.outside(lstatSync(upper))
  if (owner !== undefined) lchownSync(upper, owner.uid, owner.gid)
}
