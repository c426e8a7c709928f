import { CgroupError } from '../errors.js'
import { detectHierarchy } from '../host/detect-hierarchy.js'
import type { Hierarchy, HierarchyMount } from '../host/hierarchy.js'
import { MIN_MEMORY_LIMIT } from '../plan/plan-memory.js'
import { planFor } from '../plan/plan-resources.js'
import type { Resources } from '../plan/resources.js'
import type { Setting } from '../plan/setting.js'
import { applyPlan } from './apply-plan.js'
import { Cgroup } from './cgroup.js'
import { checkUnused } from './check-unused.js'
import { usedOnV2 } from './enable-controllers.js'
import type { Group } from './group.js'
import { checkGroupPaths, mainPath, pathIn, type GroupPaths } from './group-paths.js'
import { makeGroup, unmakeGroups } from './make-group.js'
import { threadedControllers } from './threads.js'

/** Settings of {@link createCgroup}. */
export interface CreateOptions {
  /** What {@link detectHierarchy} found. Without it every call detects anew. */
  readonly hierarchy?: Hierarchy | undefined
  /**
   * Also make the group in a v2 hierarchy that has none of the controllers used, as hybrid hosts have it. Costs 0.06 ms and
   * gives `cgroup.kill` and pressure figures; but joining it by a write to `cgroup.procs` takes 4 to 9 ms on
   * an idle host, so turn it on when processes are started right in it ({@link Cgroup.openJoinFds} with
   * `cloneInto`). Default false.
   */
  readonly unified?: boolean | undefined
  /**
   * What to do with a group that is there: `'refuse'` (the default) it, or `'use'` it when it has no processes and is
   * not frozen. Its limits that are not given stay as they are.
   */
  readonly existing?: 'refuse' | 'use' | undefined
  /**
   * Make it a group of threads, on v2: threads of a process that is in a group above may be moved into it
   * ({@link Cgroup.addThread}), and the group above may hold processes. Only `cpu`, `cpuset` and `pids` can be limited.
   * v1 takes threads in any group. Default false.
   */
  readonly threaded?: boolean | undefined
  /**
   * The smallest memory limit taken, in bytes. Default {@link MIN_MEMORY_LIMIT}; 0 leaves the judgement to the kernel.
   */
  readonly smallestMemory?: number | undefined
}

/**
 * Creates a group, in every mounted hierarchy, and limits it. All or nothing: when something fails, no folder
 * made by the call is left (controllers that v2 parents hand on stay handed on).
 *
 * v1: one folder in each hierarchy, `cpuset` filled from the parent. v2: one folder; the groups above it hand
 * their controllers down, for which they must hold no processes of their own. Groups above that are missing
 * are made and stay. Synchronous: interface files are memory.
 *
 * @param path - `/ctrjs/ID`: relative to the top of each mounted hierarchy; or a path for each of them.
 * @param resources - Limits; what is left out is not limited.
 * @param options - The host's hierarchies.
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_INVALID_ARG`: a bad path or a value out of range; nothing was touched.
 *   - `ERR_CGROUP_NO_CONTROLLER`: a resource needs a controller that is not there; nothing was touched.
 *   - `ERR_CGROUP_UNSUPPORTED`: not on this version or kernel.
 *   - `ERR_CGROUP_EXISTS`: the group is there already, in at least one hierarchy.
 *   - `ERR_CGROUP_PERMISSION`: the hierarchy is not writable for the caller.
 *   - `ERR_CGROUP_BUSY`: v2, a group above holds processes; or the group that shall be used has some.
 *   - `ERR_CGROUP_FROZEN`: the group that shall be used, or one above it, is frozen: what joins it would not run.
 *   - `ERR_CGROUP_REFUSED`: the kernel does not take a value; the error has file, value and errno.
 * @see {@link https://docs.kernel.org/admin-guide/cgroup-v2.html}
 * @see {@link https://docs.kernel.org/admin-guide/cgroup-v1/index.html}
 *
 * @example Half a processor, 64 MiB and 64 processes
 * await using group = createCgroup('/demo', {
 *   cpu: cpuBandwidth(0.5),
 *   memory: { limit: 64 * 2 ** 20, swap: 64 * 2 ** 20 },
 *   pids: { limit: 64 },
 * })
 * group.add(child.pid)
 */
export function createCgroup(
  path: string | GroupPaths,
  resources: Resources = {},
  options: CreateOptions = {},
): Cgroup {
  checkGroupPaths(path)
  const hierarchy = options.hierarchy ?? detectHierarchy()
  const {
    smallestMemory = MIN_MEMORY_LIMIT,
    existing = 'refuse',
    unified = false,
    threaded = false,
  } = options
  const plan = planFor(hierarchy, resources, { smallestMemory })
  if (threaded) checkThreaded(plan, hierarchy)
  const made: string[] = []
  try {
    const folders = hierarchy.mounts.flatMap((mount) => {
      const at = pathIn(path, mount)
      if (at === undefined || !isUsed(mount, hierarchy, unified)) return []
      const wanted = { mount, path: at, mayExist: existing === 'use', threaded, ...needs(mount, plan) }
      return [{ mount, folder: makeGroup(wanted, made) }]
    })
    const group: Group = { path: mainPath(path), folders }
    if (existing === 'use') checkUnused(group, made)
    applyPlan(plan, group, resources, hierarchy)
    return new Cgroup(group, hierarchy)
  } catch (error) {
    undo(made, error)
    throw error
  }
}

function isUsed(mount: HierarchyMount, { mode }: Hierarchy, unified: boolean): boolean {
  if (mount.version === 1 || mode === 'v2' || unified) return true
  return mount.controllers.some((name) => usedOnV2.includes(name))
}

function checkThreaded(plan: readonly Setting[], { controllers }: Hierarchy): void {
  const wrong = plan.find(
    ({ controller }) =>
      controllers.get(controller)?.version === 2 && !threadedControllers.includes(controller),
  )
  if (wrong === undefined) return
  throw new CgroupError(
    'ERR_CGROUP_INVALID_ARG',
    `cannot limit ${wrong.controller} of a threaded group: v2 limits only ${threadedControllers.join(', ')} by threads`,
    { value: wrong.value },
  )
}

/** Controllers of a hierarchy that a plan needs, and the files in it that are written. */
export function needs(
  mount: HierarchyMount,
  plan: readonly Setting[],
): { required: string[]; given: string[] } {
  const mine = plan.filter(({ controller }) => mount.controllers.includes(controller))
  return {
    required: [...new Set(mine.map(({ controller }) => controller))],
    given: mine.map(({ file }) => file),
  }
}

function undo(made: readonly string[], error: unknown): void {
  try {
    unmakeGroups(made)
  } catch (failed) {
    throw new CgroupError('ERR_CGROUP_IO', `cannot undo a creation that failed: ${String(failed)}`, {
      cause: new AggregateError([error, failed]),
    })
  }
}
