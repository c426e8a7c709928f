import { lchownSync, lstatSync } from 'node:fs'
import { Fd } from '@ctr/linux'
import { openIdmappedMount, openUserNamespace } from '@ctr/namespaces'
import { overlayParameters, type RootFilesystem } from '@ctr/overlay'
import type { StoredImage } from '@ctr/registry'
import type { Context } from '../context.js'
import { refuseCovered } from '../rootless/refuse-covered.js'
import type { Rootless } from '../rootless/rootless.js'
import { isCopyOnWrite, type RunOptions } from '../options.js'
import type { Rollback } from '../rollback.js'
import type { RootSource } from '../setup/rootfs.js'
import type { ContainerIds } from '../userns/container-ids.js'
import type { ContainerUserNamespace } from '../userns/open-user-namespace.js'
import type { ContainerRecord } from './record.js'
import type { ContainerSpec } from './spec.js'
import type { RootBase, WarmRoot } from './warm-root.js'
import { belowLayers } from './warm-roots.js'

/** The root file system of a container that is to be made. */
export interface PreparedRoot {
  /** Name in the layer store; null for a folder that is used as it is. */
  readonly id: string | null
  readonly source: RootSource
  /** Set where it goes back to the warm roots at the end. */
  readonly warm: WarmRoot | undefined
  /** A mount to be closed once the container has it. */
  readonly mount: Fd | undefined
  /** The user namespace that the mount belongs to, where an ordinary user's container has to join it. */
  readonly userns?: Fd | undefined
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
  const base = rootBase(options, image)
  if (kept !== undefined) return await keptRoot(context, kept, base, rollback)
  const none = { warm: undefined, mount: undefined }
  if (base === undefined) {
    if (userns === undefined) return { ...none, id: null, source: { folder: options.rootfs! } }
    const mount = new Fd(await openIdmappedMount(options.rootfs!, userns, { recursive: true }))
    return { id: null, source: { given: mount.number }, warm: undefined, mount }
  }
  if (!record.detached && options.storage === undefined && userns === undefined && canCopyRoots(context)) {
    const warm = await context.roots.take(base, { volatile: true })
    rollback.defer(() => context.roots.giveBack(warm, false))
    return { id: warm.root.id, source: { mount: warm.mount.number }, warm, mount: undefined }
  }
  if (context.rootless !== undefined && context.layers.strategy === 'overlay' && 'lower' in base)
    refuseCovered(base.lower)
  const root = await context.layers.createRoot(record.id, {
    ...base,
    ...belowLayers(base, context.mountpoints),
    volatile: !record.detached,
    storage: options.storage,
  })
  rollback.defer(() => root.remove())
  if (userns === undefined) return await ownRoot(context, root, rollback)
  giveUpper(root.description.upper!, userns.ids)
  const mount = root.mountIdmapped(userns.fd)
  return { id: root.id, source: { given: mount.number }, warm: undefined, mount }
}

/**
 * Makes the root of a container that is started later, and returns its id.
 *
 * @param volatile - Whether a crash of the machine may lose it.
 */
export async function prepareRootForLater(
  context: Context,
  spec: ContainerSpec,
  { volatile }: { readonly volatile: boolean },
  rollback: Rollback,
): Promise<string | null> {
  const base = rootBase(spec.options, spec.image)
  if (base === undefined || spec.options.storage !== undefined || !canCopyRoots(context))
    return (await prepareRoot(context, spec, rollback, undefined)).id
  const { root } = await context.keptRoots.make(base, { volatile })
  rollback.defer(async () => {
    context.keptRoots.letGo(root.id)
    await root.remove()
  })
  return root.id
}

/** Whether roots can be mounted here and copied into containers. */
function canCopyRoots({ rootless, layers, host }: Context): boolean {
  return rootless === undefined && layers.strategy === 'overlay' && host.clonesDetachedMounts
}

/** The root of a container that was created before, with what was written to it since. */
async function keptRoot(
  context: Context,
  { rootId, rootfs }: ContainerRecord,
  base: RootBase | undefined,
  rollback: Rollback,
): Promise<PreparedRoot> {
  if (rootId === null) return { id: rootId, warm: undefined, mount: undefined, source: { folder: rootfs! } }
  if (base !== undefined && canCopyRoots(context)) {
    const mounted = await context.keptRoots.open(rootId, base)
    rollback.defer(() => {
      context.keptRoots.rest(rootId)
    })
    if (mounted !== undefined)
      return { id: rootId, source: { mount: mounted.mount.number }, warm: undefined, mount: undefined }
  }
  return await ownRoot(context, await context.layers.openRoot(rootId), rollback)
}

/** A root without a user namespace of the container's own that would have to see it through its ids. */
async function ownRoot(
  { rootless }: Context,
  root: RootFilesystem,
  rollback: Rollback,
): Promise<PreparedRoot> {
  const { upper } = root.description
  const none = { id: root.id, warm: undefined, mount: undefined }
  if (root.strategy === 'copy') return { ...none, source: { folder: upper! } }
  if (rootless !== undefined && root.strategy === 'fuse-overlayfs')
    return await mountForUser(root, rootless, rollback)
  return { ...none, source: { overlay: overlayParameters(root.description) } }
}

/**
 * By fuse-overlayfs: files of such a mount can be reached in its own user namespace alone, so that is made before the
 * container, which joins it.
 */
async function mountForUser(
  root: RootFilesystem,
  rootless: Rootless,
  rollback: Rollback,
): Promise<PreparedRoot> {
  const userns = new Fd(await openForUser(rootless))
  rollback.defer(() => {
    userns.close()
  })
  const mount = await root.mountIn(userns.number)
  return { id: root.id, source: { given: mount.number }, warm: undefined, mount, userns }
}

async function openForUser({ ids, turns }: Rootless): Promise<number> {
  using _turn = await turns.take('start')
  return await openUserNamespace(ids.maps)
}

/** The upper folder is the root that the container sees, and is not mapped: it belongs to whom its owner inside is. */
function giveUpper(upper: string, ids: ContainerIds): void {
  const owner = ids.outside(lstatSync(upper))
  if (owner !== undefined) lchownSync(upper, owner.uid, owner.gid)
}
