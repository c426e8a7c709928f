import { rmdirSync } from 'node:fs'
import { hierarchyName, isCgroupError, type Cgroup } from '@ctr/cgroups'
import { onReadable, pidfdSendSignal } from '@ctr/linux'
import { RuntimeError, isRuntimeError } from '../errors.js'
import { removeCgroup } from '../setup/made-cgroup.js'
import { cgroupPathOf } from './cgroup/cgroup-path.js'
import { isFrozen, openSavedCgroup } from './cgroup/container-cgroup.js'
import type { Config } from './config/config.js'
import type { OciContext } from './context.js'
import { runHooks } from './hooks/run-hooks.js'
import { releaseIntelRdt } from './process/intel-rdt.js'
import type { ContainerState } from './state/container-state.js'
import type { LockedContainer } from './state/locked-container.js'
import { containerStatus, ociState, openInit } from './state/status.js'

const SIGKILL = 9

/** What tells the process of a container from another one. */
type Process = Pick<ContainerState, 'pid' | 'startTicks'>

function isSame(state: Process, other: Process): boolean {
  return state.pid === other.pid && state.startTicks === other.startTicks
}

/**
 * Removes a container: its processes, cgroup and state folder, and runs the `poststop` hooks. One whose record is
 * damaged is removed as far as it is known.
 *
 * @param force - Kill it first when it runs.
 * @param only - Leave a container of that id alone that has another process: somebody has made it anew.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONTAINER_NOT_FOUND`; `ERR_RUNTIME_RUNNING`: it runs, and `force` is not
 *   set.
 */
export async function deleteContainer(
  context: OciContext,
  id: string,
  force: boolean,
  only?: Process,
): Promise<void> {
  const { store, log } = context
  using container = await (force && store.isBusy(id) ? lockKilled(context, id, only) : store.lock(id))
  if (container === undefined) return
  const state = loadOr(context, id, force)
  if (only !== undefined && (state === undefined || !isSame(state, only))) return
  if (state === undefined) {
    removeRests(context, { id, pid: null, cgroupPaths: {} })
    container.remove()
    return
  }
  const cgroup = openSavedCgroup(state.cgroupPaths, context.hierarchy)
  const status = containerStatus(state, {
    folder: container.folder,
    frozen: () => isFrozen(state.cgroupPaths, context.hierarchy),
    busy: () => false,
  })
  if (!force && status !== 'stopped' && status !== 'created') {
    throw new RuntimeError(
      'ERR_RUNTIME_RUNNING',
      `cannot delete container ${id} that is not stopped: ${status}; kill it first or use --force`,
    )
  }
  using init = openInit(state)
  if (init !== undefined) pidfdSendSignal(init.number, SIGKILL)
  if (cgroup !== undefined && state.cgroupManager === 'systemd') {
    await cgroup.kill('SIGKILL')
    await removeCgroup(cgroup)
  } else if (cgroup !== undefined && !(status === 'stopped' && (await removeEmpty(cgroup)))) {
    await cgroup.kill('SIGKILL')
    await cgroup.remove()
  }
  if (cgroup === undefined) removeRests(context, state)
  if (init !== undefined) await new Promise<void>((resolve) => onReadable(init.number, resolve))
  if (state.intelRdtPath !== '') releaseIntelRdt({ folder: state.intelRdtPath, made: true })
  const config = configOf(context, id)
  container.remove()
  await runHooks('poststop', config?.hooks?.poststop, ociState(state, 'stopped'), { log })
}

/**
 * Locks a container that another command works on, once its process is killed: hooks of `create` and `start` end with
 * it, however long they would take, and that command cleans up.
 *
 * @returns Undefined when nothing of it is left then.
 */
async function lockKilled(
  { store }: OciContext,
  id: string,
  only: Process | undefined,
): Promise<LockedContainer | undefined> {
  try {
    const state = store.load(id)
    using init = only === undefined || isSame(state, only) ? openInit(state) : undefined
    if (init !== undefined) pidfdSendSignal(init.number, SIGKILL)
  } catch (error) {
    if (!isRuntimeError(error)) throw error // nothing is known of it yet, or it is gone
  }
  try {
    return await store.lock(id)
  } catch (error) {
    if (isRuntimeError(error) && error.code === 'ERR_RUNTIME_CONTAINER_NOT_FOUND') return undefined
    throw error
  }
}

/**
 * Removes what there is of the cgroup of a container whose maker was killed before it noted that it had made it, or
 * whose removal was. That of somebody else is never touched: one with processes or groups below it stays.
 */
function removeRests(
  context: OciContext,
  { id, pid, cgroupPaths }: Pick<ContainerState, 'id' | 'pid' | 'cgroupPaths'>,
): void {
  const { hierarchy, cgroupManager } = context
  for (const folder of Object.values(cgroupPaths)) removeFolder(folder)
  if (cgroupManager !== 'cgroupfs' || pid !== null) return // systemd takes away what is empty
  try {
    const path = cgroupPathOf(configOf(context, id)?.linux?.cgroupsPath, id, hierarchy)
    for (const mount of hierarchy.mounts) {
      const below = typeof path === 'string' ? path : path[hierarchyName(mount)]
      if (below !== undefined) removeFolder(mount.mountpoint + below)
    }
  } catch (error) {
    if (!isRuntimeError(error) && !isCgroupError(error)) throw error // with such a path nothing was made
  }
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY', 'EROFS', 'EACCES', 'EPERM', 'ERR_INVALID_ARG_VALUE'].includes(code))
      throw error
  }
}

/** Removes a cgroup without processes, which spares looking for them; false where there are some. */
async function removeEmpty(cgroup: Cgroup): Promise<boolean> {
  try {
    await cgroup.remove({ timeoutMs: 0 })
    return true
  } catch (error) {
    if (isCgroupError(error) && error.code === 'ERR_CGROUP_BUSY') return false
    throw error
  }
}

/** A record that is damaged or was never written must not keep its container for ever. */
function loadOr({ store }: OciContext, id: string, force: boolean): ContainerState | undefined {
  try {
    return store.load(id)
  } catch (error) {
    if (force && isRuntimeError(error) && error.code !== 'ERR_RUNTIME_INVALID_ARG') return undefined
    throw error
  }
}

function configOf(context: OciContext, id: string): Config | undefined {
  try {
    return context.config(id)
  } catch (error) {
    if (isRuntimeError(error)) return undefined
    throw error
  }
}
