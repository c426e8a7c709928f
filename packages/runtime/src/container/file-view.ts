import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  cloneMount,
  CLONE_NEWNS,
  executeInChild,
  Fd,
  MOUNT_ATTR_RDONLY,
  mountSetattr,
  MS_PRIVATE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  openTree,
} from '@ctr/linux'
import { isOverlayError, makeFolderInside, statInside } from '@ctr/overlay'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { ContainerMount } from './container-mount.js'
import { withMountIn } from './detached-tree.js'
import { isImageSource, openImageMount } from './image-mount.js'
import { openMount } from './mount-source.js'
import type { ContainerRecord } from './record.js'
import type { WarmRoot } from './warm-root.js'
import type { WatchedProcess } from './watched-process.js'

/*
 * A container's files as Docker shows them for copying: its root, with the volumes and binds that it was made with. What
 * the container has mounted itself, /proc, /sys and /dev among them, is not there, so nothing in it can be reached, or
 * keep anybody waiting. The mounts are ours alone, in no mount namespace.
 */

/** The files, to be read: of a running container as they are now. */
export async function openReadView(context: Context, record: ContainerRecord): Promise<Fd> {
  refuseOrdinaryUser(context, record)
  const { rootId, rootfs, mounts } = record
  if (rootId === null) return withMounts(context, new Fd(cloneMount(rootfs!, { recursive: true })), mounts)
  const root = await context.layers.openRoot(rootId)
  if (record.status === 'created' && mounts.length > 0) {
    using view = root.view()
    const missing = mounts.filter(({ kind, target }) => kind === 'folder' && !isThere(view, target))
    const known = context.keptRoots.mounted(rootId)
    if (missing.length > 0) makeTargets(known === undefined ? root.mount() : cloneOf(known), missing)
  }
  return withMounts(context, root.view(), mounts)
}

/**
 * The files, to be written to. Until the view is closed, a container that does not run cannot be started.
 *
 * @param init - The first process of a running container.
 * @param warm - Its root, where that goes back to the warm ones.
 * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`: it runs in a user namespace of its own.
 */
export async function openWriteView(
  context: Context,
  record: ContainerRecord,
  { init, warm }: { readonly init: WatchedProcess | undefined; readonly warm: WarmRoot | undefined },
): Promise<Fd> {
  refuseOrdinaryUser(context, record)
  const root = await openWritableRoot(context, record, init, warm)
  if (init === undefined) {
    try {
      for (const { kind, target } of record.mounts)
        if (kind === 'folder') makeFolderInside(root.number, target)
      if (record.readOnlyRoot) mountSetattr(root.number, { set: MOUNT_ATTR_RDONLY })
    } catch (error) {
      root.close()
      throw error
    }
  }
  return withMounts(context, root, record.mounts)
}

async function openWritableRoot(
  { layers }: Context,
  { name, rootId, rootfs, userNamespace }: ContainerRecord,
  init: WatchedProcess | undefined,
  warm: WarmRoot | undefined,
): Promise<Fd> {
  if (rootId === null) return new Fd(cloneMount(rootfs!, { recursive: true }))
  if (init !== undefined) {
    if (userNamespace === null) return cloneRootOf(init)
    throw new RuntimeError(
      'ERR_RUNTIME_UNSUPPORTED',
      `cannot copy into container ${name}: it runs in a user namespace of its own; stop it before`,
    )
  }
  if (warm !== undefined) return cloneOf(warm)
  return (await layers.openRoot(rootId)).mount()
}

/** A second mount of a root that is mounted here. */
function cloneOf({ mount }: WarmRoot): Fd {
  return new Fd(openTree(mount.number, '', OPEN_TREE_CLONE + AT_EMPTY_PATH))
}

/** A second mount of the root of a running container, without what is mounted in it. */
function cloneRootOf({ pidfd }: WatchedProcess): Fd {
  return new Fd(
    executeInChild((program) => {
      program.step('enter the mount namespace').call('setns', [pidfd, CLONE_NEWNS])
      const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC
      return program.step('open the root').call('open_tree', [AT_FDCWD, '/', flags])
    }),
  )
}

/** Puts mounts into a tree, which is taken over. One whose place is missing does not show. */
async function withMounts(context: Context, root: Fd, mounts: readonly ContainerMount[]): Promise<Fd> {
  let tree = root
  try {
    mountSetattr(tree.number, { propagation: MS_PRIVATE }, { recursive: true })
    for (const mounted of mounts) {
      const { target, readOnly } = mounted
      if (!isThere(tree, target)) continue
      using mount = isImageSource(mounted) ? await openImageMount(context, mounted) : openMount(mounted)
      if (readOnly) mountSetattr(mount.number, { set: MOUNT_ATTR_RDONLY }, { recursive: true })
      const grown = withMountIn(tree, mount, target, context.mountpoint)
      tree.close()
      tree = grown
    }
    return tree
  } catch (error) {
    tree.close()
    throw error
  }
}

/** Makes the folders that are mounted on in the root of a container that was not started yet. */
function makeTargets(root: Fd, mounts: readonly ContainerMount[]): void {
  using _root = root
  for (const { target } of mounts) makeFolderInside(root.number, target)
}

function isThere(tree: Fd, target: string): boolean {
  try {
    statInside(tree.number, target)
    return true
  } catch (error) {
    if (isOverlayError(error)) return false
    throw error
  }
}

function refuseOrdinaryUser({ rootless }: Context, { name }: ContainerRecord): void {
  if (rootless === undefined) return
  throw new RuntimeError(
    'ERR_RUNTIME_UNSUPPORTED',
    `cannot copy files of container ${name}: that needs root; use exec with tar`,
  )
}
