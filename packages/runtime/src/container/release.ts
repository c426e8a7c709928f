import { join } from 'node:path'
import type { Cgroup } from '@ctr/cgroups'
import type { Context } from '../context.js'
import { detachUserNetwork } from '../rootless/user-network.js'
import { removeCgroup } from '../setup/made-cgroup.js'
import { releaseIds } from '../userns/claim-ids.js'
import { cgroupOf } from './cgroups.js'
import type { ContainerRecord } from './record.js'
import { unpinProcess } from './pin.js'
import { releaseVolumes } from './volumes.js'
import { foundProcess } from './watched-process.js'

/** What is known of a container whose program has ended. */
export interface EndedContainer {
  readonly cgroup: Cgroup | undefined
  /** It was on a network. */
  readonly networked: boolean
  /** A program has connected it to one. */
  readonly byProgram: boolean
  /** Others of its processes may still be there. */
  readonly sharesProcesses: boolean
  /** Told when its addresses and ports are free: what takes the kernel longest comes after that. */
  readonly networkFree: () => void
}

/**
 * Gives back what only a running container needs: processes that are left, cgroup, network, pinned processes.
 * Every part is tried; failures are reported together. Idempotent.
 *
 * @param ended - Set when its first process has ended.
 */
export async function releaseRunning(context: Context, id: string, ended?: EndedContainer): Promise<void> {
  const failures: unknown[] = []
  const attempt = async (step: () => unknown): Promise<void> => {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  const unpin = (): Promise<void> => attempt(() => unpinProcess(join(context.pins, id)))
  // who has to be ended yet is found by it
  const unpinning = ended === undefined ? undefined : unpin()
  let emptied: Cgroup | undefined
  await attempt(async () => {
    const cgroup = ended?.cgroup ?? cgroupOf(context, id)
    if (ended === undefined || ended.sharesProcesses) {
      if (cgroup === undefined) await killFirst(context, id)
      else await cgroup.kill()
    }
    emptied = cgroup
  })
  await attempt(async () => {
    if (await context.execs.removeOf(id)) context.terminals.sweepSoon()
  })
  await attempt(() => context.names.stop(id))
  if (ended?.networked !== false) {
    // the link goes with the network namespace, which its last process and our descriptor have let go of
    await attempt(() => context.leaveNetworks(id))
  }
  if (ended?.byProgram !== false) await attempt(() => detachUserNetwork(join(context.networkPrograms, id)))
  ended?.networkFree()
  await attempt(async () => {
    if (emptied !== undefined) await removeCgroup(emptied)
    context.cgroupParents.remove(id) // not before: it leads to it
  })
  await (unpinning ?? unpin())
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1)
    throw new AggregateError(failures, `cannot release container ${id}: ${failures.map(String).join('; ')}`)
}

/** Without a cgroup: the end of its first process is the end of all others of its pid namespace. */
async function killFirst(context: Context, id: string): Promise<void> {
  const record = context.records.readable(id)
  const init = record && foundProcess(context, record)
  if (init === undefined) return
  const ended = init.wait()
  init.kill(9)
  await ended
}

/**
 * Removes what a container has: its own layer, its terminal, its files, its ids, its record last. Idempotent.
 *
 * @param anonymousVolumes - Remove the volumes that were made for it without a name.
 */
export async function removeFiles(
  context: Context,
  {
    id,
    rootId,
    userNamespace,
    volumes = [],
    terminal = false,
  }: Pick<ContainerRecord, 'id' | 'rootId' | 'userNamespace'> &
    Partial<Pick<ContainerRecord, 'volumes' | 'terminal'>>,
  { anonymousVolumes }: { readonly anonymousVolumes: boolean },
): Promise<void> {
  if (rootId !== null) await context.layers.removeRoot(rootId)
  await releaseVolumes(context, id, volumes, anonymousVolumes)
  if (userNamespace !== null) releaseIds(context, id)
  if (terminal) context.terminals.forget(id)
  context.records.remove(id)
}
