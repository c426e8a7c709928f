import { readFileIn, type Change } from '@ctr/overlay'
import type { Context } from '../context.js'
import type { ContainerRecord } from './record.js'
import type { WarmRoot } from './warm-roots.js'

/** Files of a container that differ from its image; none for a root file system used as it is. */
export async function changesOf(
  { layers }: Context,
  { rootId }: ContainerRecord,
): Promise<readonly Change[]> {
  return rootId === null ? [] : await (await layers.openRoot(rootId)).changes()
}

/** Reads a file of a container, running or not, by its root. */
export async function readFileOf(
  { layers }: Context,
  { status, pid, rootId, rootfs }: ContainerRecord,
  warm: WarmRoot | undefined,
  path: string,
): Promise<Buffer> {
  if (status === 'running') return await readFileIn(`/proc/${pid ?? 0}/root`, path)
  if (warm !== undefined) return await readFileIn(warm.mount.number, path)
  if (rootId === null) return await readFileIn(rootfs ?? '/', path)
  using mounted = (await layers.openRoot(rootId)).mount()
  return await readFileIn(mounted.number, path)
}
