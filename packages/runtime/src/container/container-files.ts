import { openSync } from 'node:fs'
import { Fd } from '@ctr/linux'
import { readFileIn, type Change, type RootFilesystem } from '@ctr/overlay'
import type { Context } from '../context.js'
import type { ContainerRecord } from './record.js'
import type { WarmRoot } from './warm-root.js'

/** Files of a container that differ from its image; none for a root file system used as it is. */
export async function changesOf(
  { layers }: Context,
  { rootId }: ContainerRecord,
): Promise<readonly Change[]> {
  return rootId === null ? [] : await (await layers.openRoot(rootId)).changes()
}

/** Bytes of a container's files. */
export interface ContainerSize {
  /** What it has written. */
  readonly written: number
  /** That, and the layers below. */
  readonly total: number
}

/** What a container takes on disk; nothing of a root file system used as it is. */
export async function sizeOf({ layers }: Context, { rootId }: ContainerRecord): Promise<ContainerSize> {
  if (rootId === null) return { written: 0, total: 0 }
  const root = await layers.openRoot(rootId)
  const size = await root.size()
  const below = root.layers.reduce((sum, diffId) => sum + (layers.get(diffId)?.size ?? 0), 0)
  // a copy has the files of its layers in it
  return root.strategy === 'copy'
    ? { written: Math.max(0, size - below), total: size }
    : { written: size, total: size + below }
}

/** Reads a file of a container, running or not, by its root. */
export async function readFileOf(
  context: Context,
  { status, pid, rootId, rootfs }: ContainerRecord,
  warm: WarmRoot | undefined,
  path: string,
): Promise<Buffer> {
  const { layers, rootless } = context
  if (rootless !== undefined && rootId !== null) {
    const root = await layers.openRoot(rootId)
    if (status === 'running') return await readRunning(context, pid ?? 0, path, root)
    using mount = await root.mountIn(rootless.namespace.fd)
    return await readFileIn(mount.number, path, { userNamespace: insideOnly(root, rootless.namespace.fd) })
  }
  if (status === 'running') return await readFileIn(`/proc/${pid ?? 0}/root`, path)
  if (warm !== undefined) return await readFileIn(warm.mount.number, path)
  if (rootId === null) return await readFileIn(rootfs ?? '/', path)
  using mounted = (await layers.openRoot(rootId)).mount()
  return await readFileIn(mounted.number, path)
}

/** While a child is inside, its memory, which is ours, is closed to those who write the maps of another child. */
async function readRunning(
  { rootless }: Context,
  pid: number,
  path: string,
  root: RootFilesystem,
): Promise<Buffer> {
  const fuse = insideOnly(root, 0) !== undefined
  using _turn = fuse ? await rootless?.turns.take('join') : undefined
  using userns = fuse ? new Fd(openSync(`/proc/${pid}/ns/user`, 'r')) : undefined
  return await readFileIn(`/proc/${pid}/root`, path, { userNamespace: userns?.number })
}

/** The user namespace that alone can come to the files of a mounted root. */
function insideOnly({ strategy }: RootFilesystem, userNamespace: number): number | undefined {
  return strategy === 'fuse-overlayfs' ? userNamespace : undefined
}
