import { CgroupError } from '../errors.js'
import { detectHierarchy } from '../host/detect-hierarchy.js'
import type { Hierarchy, HierarchyMount } from '../host/hierarchy.js'
import { readInterfaceFile } from '../kernel/interface-file.js'
import { applyPlan } from '../group/apply-plan.js'
import { Cgroup } from '../group/cgroup.js'
import { needs } from '../group/create-cgroup.js'
import { makeGroup, unmakeGroups } from '../group/make-group.js'
import { MIN_MEMORY_LIMIT } from '../plan/plan-memory.js'
import { planFor, versionsOf } from '../plan/plan-resources.js'
import type { Resources } from '../plan/resources.js'
import type { Setting } from '../plan/setting.js'
import { startKeeper } from './keeper.js'
import { Manager, type ManagerOptions } from './manager.js'
import { dependsOnVersion, resourceProperties } from './resource-properties.js'
import { roundQuota } from './quota.js'
import { Scope } from './scope.js'
import { oomPolicy } from './unified-properties.js'
import { checkUnitName, expandSlice } from './slice.js'
import { amount, type UnitProperty } from './unit-property.js'
import { isOrdinaryUser } from './where.js'

/** Settings of {@link createScope}. */
export interface CreateScopeOptions extends ManagerOptions {
  /** What `detectHierarchy` found. Without it every call detects anew. */
  readonly hierarchy?: Hierarchy | undefined
  /** Slice that the scope is in. systemd makes it where it is missing. Default `system.slice`; a user's `user.slice`. */
  readonly slice?: string | undefined
  /** What `systemctl status` calls it. Default the name of the scope. */
  readonly description?: string | undefined
  /** Further properties of the unit; they win over those that come from resources. */
  readonly properties?: readonly UnitProperty[] | undefined
  /** The smallest memory limit taken, in bytes, as of `createCgroup`. */
  readonly smallestMemory?: number | undefined
}

/**
 * Has systemd make a scope: a cgroup for processes that systemd did not start, with limits, delegated to us. What
 * systemd has no property for is written to the cgroup's files. All or nothing: when something fails, no scope is left.
 *
 * systemd takes a scope away when its last process has ended, and makes none without a process: one of ours keeps it
 * until {@link Scope.release}, for as long as this process lives. It counts among `pids`.
 *
 * A `cpu.quota` is rounded up to a whole percent of a processor, as systemd keeps it so. Limits that are not given are
 * none; in particular systemd's own default of processes (`DefaultTasksMax`) does not hold.
 *
 * @param unit - Name of the scope: `demo-1.scope`.
 * @param resources - Limits, as of `createCgroup`.
 * @throws {@link CgroupError} As `createCgroup`, and
 *   - `ERR_CGROUP_UNSUPPORTED`: systemd is not the init process, or not to be reached; nothing was touched.
 *   - `ERR_CGROUP_EXISTS`: there is a unit of this name.
 *   - `ERR_CGROUP_PERMISSION`: systemd does not let this user make scopes.
 *   - `ERR_CGROUP_REFUSED`: systemd, or the kernel, does not take a value.
 *   - `ERR_CGROUP_BUS`, `ERR_CGROUP_PARSE`: D-Bus is not to be talked to, or does not talk as it should.
 *   - `ERR_CGROUP_SYSTEMD`: systemd says no, or its job failed.
 *   - `ERR_CGROUP_TIMEOUT`: it does not answer.
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/systemd.scope.html}
 *
 * @example
 * await using scope = await createScope('demo-1.scope', { memory: { limit: 64 * 2 ** 20 } })
 * scope.cgroup.add(child.pid)
 * await scope.release()
 */
export async function createScope(
  unit: string,
  resources: Resources = {},
  options: CreateScopeOptions = {},
): Promise<Scope> {
  const { user = isOrdinaryUser(), smallestMemory = MIN_MEMORY_LIMIT } = options
  const hierarchy = options.hierarchy ?? detectHierarchy()
  const slice = options.slice ?? (user ? 'user.slice' : 'system.slice')
  checkUnitName(unit, 'scope')
  expandSlice(slice)
  const rounded = { ...resources, cpu: resources.cpu && roundQuota(resources.cpu) }
  const plan = planFor(hierarchy, rounded, { smallestMemory })
  using manager = new Manager({ ...options, user })
  const systemd = dependsOnVersion(rounded) ? await manager.version() : 0
  const limits = resourceProperties(rounded, versionsOf(hierarchy), systemd)
  const keeper = await startKeeper()
  const made: string[] = []
  let started = false
  try {
    await manager.startTransient(unit, [
      ...unitProperties({ description: options.description ?? unit, slice, pid: keeper.pid }, hierarchy),
      ...limits,
      ...oomPolicy(rounded.unified ?? {}, systemd),
      ...(options.properties ?? []),
    ])
    started = true
    const path = await manager.controlGroup(unit)
    const folders = hierarchy.mounts.map((mount) => ({ mount, folder: folderIn(mount, path, plan, made) }))
    const group = { path, folders }
    applyPlan(plan, group, rounded, hierarchy)
    return new Scope(unit, new Cgroup(group, hierarchy), { user, keeper })
  } catch (error) {
    await keeper.release() // without it systemd takes the scope away
    throw await undone(error, async () => {
      if (started) {
        using stopping = new Manager({ user })
        await stopping.stop(unit)
      }
      unmakeGroups(made)
    })
  }
}

/** What makes it a scope of ours. */
function unitProperties(
  { description, slice, pid }: { readonly description: string; readonly slice: string; readonly pid: number },
  hierarchy: Hierarchy,
): UnitProperty[] {
  const versionOf = versionsOf(hierarchy)
  const accounting = ['CPU', 'Memory', versionOf('blkio') === 1 ? 'BlockIO' : 'IO', 'Tasks']
  return [
    { name: 'Description', signature: 's', value: description.replaceAll('\0', '').slice(0, 500) },
    { name: 'Slice', signature: 's', value: slice },
    { name: 'PIDs', signature: 'au', value: [pid] },
    { name: 'Delegate', signature: 'b', value: true },
    { name: 'DefaultDependencies', signature: 'b', value: false },
    { name: 'CollectMode', signature: 's', value: 'inactive-or-failed' }, // so that a name is free again
    ...accounting.map((name): UnitProperty => ({ name: `${name}Accounting`, signature: 'b', value: true })),
    amount('TasksMax', 'max'), // else systemd's default
  ]
}

/** Finds the scope's folder in a hierarchy; makes it in those that systemd has nothing to do with. */
function folderIn(mount: HierarchyMount, path: string, plan: readonly Setting[], made: string[]): string {
  const wanted = { mount, path, mayExist: true, ...needs(mount, plan) }
  const folder = mount.mountpoint + path
  if (mount.version === 1) return makeGroup(wanted, made)
  const here = readInterfaceFile(`${folder}/cgroup.controllers`).split(/\s+/)
  return wanted.required.every((name) => here.includes(name)) ? folder : makeGroup(wanted, made)
}

async function undone(error: unknown, undo: () => Promise<void>): Promise<unknown> {
  try {
    await undo()
    return error
  } catch (failed) {
    return new CgroupError('ERR_CGROUP_IO', `cannot undo a creation that failed: ${String(failed)}`, {
      cause: new AggregateError([error, failed]),
    })
  }
}
