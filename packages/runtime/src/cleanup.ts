import { readdirSync } from 'node:fs'
import { cgroupIds } from './container/cgroups.js'
import { Container } from './container/container.js'
import type { ContainerRecord } from './container/record.js'
import { releaseRunning, removeFiles } from './container/release.js'
import { ownerOfRoot } from './container/warm-roots.js'
import { foundProcess } from './container/watched-process.js'
import type { Context } from './context.js'
import { isRuntimeError } from './errors.js'
import { livingOwners, type LivingOwners } from './owner.js'
import { claimNames, releaseUnused } from './userns/claim-ids.js'

/** Something of a container that could not be removed. */
export interface CleanUpFailure {
  readonly id: string
  readonly error: unknown
}

/**
 * Brings what is on disk and in the kernel back into agreement after processes were killed at any moment:
 *
 * - what is half made, or belongs to a process that is gone, is removed;
 * - detached containers that still run are left alone;
 * - detached containers that have ended meanwhile get their exit status, and give back what they held;
 * - a container whose record is damaged is left as it is, and told of;
 * - what belongs to no container at all (cgroups, layers, network endpoints, pinned processes, claimed ids, terminals, notes
 *   of programs that `exec` has started) is removed.
 *
 * Other living processes may make, start and remove containers meanwhile. An id is claimed by its owner before anything
 * of it is made, until its record says what it is; the record is the last that is removed; and what is there is listed
 * before claims and records are read.
 *
 * @returns What could not be cleaned up; it is tried again the next time.
 */
export async function cleanUp(context: Context): Promise<readonly CleanUpFailure[]> {
  const roots = await context.layers.roots()
  const ids = claimNames(context)
  const holding = new Set([
    ...cgroupIds(context),
    ...readdirSync(context.pins),
    ...context.execs.containers(),
    ...networkIds(context),
  ])
  const found = new Set([...holding, ...context.records.ids()])
  const living = livingOwners(context.owners)
  const failures: CleanUpFailure[] = []
  for (const id of found) {
    try {
      await cleanUpOne(context, id, { living, holds: holding.has(id) })
    } catch (error) {
      failures.push({ id, error }) // one that is broken must not keep the others from being used
    }
  }
  await removeRoots(context, roots, living, failures)
  releaseUnused(context, ids, living)
  await context.layers.cleanup()
  // claims first: one that is settled meanwhile has a record
  const ended = (id: string): boolean =>
    !livingOwners(context.owners).claims.has(id) && !context.records.has(id)
  await context.volumes.cleanup({ ended })
  for (const { name, error } of context.volumes.damaged()) failures.push({ id: name, error })
  if (context.rootless === undefined)
    for (const { name, error } of context.networks.damaged()) failures.push({ id: name, error })
  context.records.sweep()
  try {
    context.terminals.sweep()
  } catch (error) {
    failures.push({ id: 'terminals', error })
  }
  return failures
}

async function cleanUpOne(
  context: Context,
  id: string,
  { living, holds }: { readonly living: LivingOwners; readonly holds: boolean },
): Promise<void> {
  const record = tryLoad(context, id)
  if (record !== undefined && (await settle(context, record, living))) {
    // its owner was killed while it started it again
    if (holds && record.status !== 'running' && !living.names.has(record.owner) && !living.claims.has(id))
      await releaseRunning(context, id)
    return
  }
  if (record === undefined && living.claims.has(id)) return // its owner is making it
  await releaseRunning(context, id)
  await removeFiles(context, record ?? { id, rootId: null, userNamespace: null }, { anonymousVolumes: true })
}

/** Removes the roots that belong neither to a container nor to a living process. */
async function removeRoots(
  context: Context,
  roots: readonly string[],
  living: LivingOwners,
  failures: CleanUpFailure[],
): Promise<void> {
  const ids = context.records.ids()
  const records = context.records.list()
  if (ids.length > records.length) return // any of them may be that of a container whose record is damaged
  const wanted = new Set(records.map(({ rootId }) => rootId))
  for (const id of roots) {
    const owner = ownerOfRoot(id)
    if (wanted.has(id) || living.claims.has(id) || (owner !== undefined && living.names.has(owner))) continue
    try {
      await context.layers.removeRoot(id)
    } catch (error) {
      failures.push({ id, error })
    }
  }
}

/** Settles a container that has a record. Returns false when nothing of it is to stay. */
async function settle(context: Context, record: ContainerRecord, living: LivingOwners): Promise<boolean> {
  if (living.names.has(record.owner)) return true
  if (record.status !== 'running') return true
  if (!record.detached) return false
  const init = foundProcess(context, record)
  if (init !== undefined && init.kill(0)) {
    init.release()
    return true
  }
  init?.release()
  await Container.found(context, record).wait() // it has ended: its status is noted and it gives back what it held
  return true
}

/** @throws `ERR_RUNTIME_STATE`: it is damaged, and was put aside; nothing of its container is touched. */
function tryLoad({ records }: Context, id: string): ContainerRecord | undefined {
  try {
    return records.load(id)
  } catch (error) {
    if (!isRuntimeError(error) || error.code !== 'ERR_RUNTIME_STATE') return undefined
    records.setAside(id)
    throw error
  }
}

/** Containers that a program connects to the network. */
function networkIds(context: Context): string[] {
  return readdirSync(context.networkPrograms).filter((name) => /^[0-9a-f]{64}$/.test(name))
}
