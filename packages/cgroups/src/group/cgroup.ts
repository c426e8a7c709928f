import { writeInterfaceFiles } from '../kernel/interface-file.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { checkInteger } from '../plan/check.js'
import type { Resources } from '../plan/resources.js'
import type { CgroupEvent, EventOptions } from '../events/cgroup-event.js'
import { eventsOf } from '../events/events.js'
import { pressureEventsOf, type PressureTrigger } from '../events/pressure-events.js'
import { readCpuset, type Cpuset } from '../stats/cpuset.js'
import { pressureFile, readPressure, type ScopedPressure } from '../stats/pressure-file.js'
import type { Pressure, PressureResource } from '../stats/pressure.js'
import { readOomKills } from '../stats/read-memory.js'
import { readStats } from '../stats/read-stats.js'
import { StatsReader } from '../stats/stats-reader.js'
import type { CgroupStats } from '../stats/stats.js'
import { delegateGroup, type Delegate } from './delegate.js'
import { freezeGroup, isGroupFrozen, thawGroup } from './freeze.js'
import { folderWith, unifiedFolder, type Group } from './group.js'
import { openJoinFds, type JoinFds, type JoinOptions } from './join-fds.js'
import { hierarchyName, type GroupPaths } from './group-paths.js'
import { killGroup } from './kill.js'
import { processesOf } from './processes.js'
import { removeGroup } from './remove.js'
import { subgroupOf } from './subgroup.js'
import { addThread, threadsOf, typeOf, type GroupType } from './threads.js'
import { checkUsage, updateGroup } from './update.js'
import type { WaitOptions } from './wait.js'

/**
 * A group that exists, in every hierarchy of the host: what {@link createCgroup} and {@link openCgroup} give.
 *
 * Holds no fd and no other resource of its own. `await using` kills what is in the group and removes it; a
 * handle that is let go of leaves the group as it is.
 */
export class Cgroup implements AsyncDisposable {
  /** Relative to the top of each hierarchy; the first of {@link paths} where they differ. */
  readonly path: string
  /** Where the group is in each hierarchy that it is in: plain data, for {@link openCgroup} after a restart. */
  readonly paths: GroupPaths
  /** The host's hierarchies. */
  readonly hierarchy: Hierarchy
  readonly #group: Group

  /** @internal */
  constructor(group: Group, hierarchy: Hierarchy) {
    this.path = group.path
    this.paths = Object.fromEntries(
      group.folders.map(({ mount, folder }) => [hierarchyName(mount), folder.slice(mount.mountpoint.length)]),
    )
    this.hierarchy = hierarchy
    this.#group = group
  }

  /**
   * The group's folder in the hierarchy of a controller, for interface files that have no method here.
   *
   * @param controller - The kernel's word, as `memory`. `perf_event` is in every group of v2: its folder is what
   *   perf_event_open(2) takes.
   * @returns `undefined` when the group is not in such a hierarchy.
   */
  folder(controller: string): string | undefined {
    const home = folderWith(this.#group, controller)?.folder
    return home ?? (controller === 'perf_event' ? unifiedFolder(this.#group) : undefined)
  }

  /**
   * Opens a group below this one, to let a process join it: `exec` into a part of a container. No path leads out.
   *
   * @param below - Its path from this group, in every hierarchy; or for some, by a controller in them. In the others
   *   it is this group itself. `/` is this group.
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_INVALID_ARG`: the path leads out.
   *   - `ERR_CGROUP_NO_CONTROLLER`: the group is in no hierarchy of such a controller.
   *   - `ERR_CGROUP_NOT_FOUND`: there is no such group.
   */
  subgroup(below: string | Readonly<Record<string, string>>): Cgroup {
    return new Cgroup(subgroupOf(this.#group, below), this.hierarchy)
  }

  /**
   * Moves a process, with all its threads, into the group (`cgroup.procs` of every hierarchy).
   *
   * For a running process. The kernel stops forks and exits of the whole host for it, 4 to 9 ms when no
   * process has been moved lately; one that is just being started joins faster by {@link openJoinFds}.
   *
   * @param pid - Process id in this pid namespace, from 1.
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_NO_PROCESS`: there is no such process.
   *   - `ERR_CGROUP_PERMISSION`: it belongs to someone else.
   *   - `ERR_CGROUP_NOT_FOUND`: the group is gone.
   *   - `ERR_CGROUP_REFUSED`: as `EBUSY` on v2 of a group whose children have controllers.
   */
  add(pid: number): void {
    checkInteger('process id', pid, 1, 2 ** 31 - 1)
    writeInterfaceFiles(
      this.#group.folders.map(({ folder }) => ({ path: `${folder}/cgroup.procs`, value: String(pid) })),
    )
  }

  /**
   * Opens what a new process needs to put itself into the group before it executes its program.
   *
   * @param options - Whether `clone3` will start it in the unified hierarchy.
   * @returns Open files; close them when the process has joined.
   * @throws {@link CgroupError} `ERR_CGROUP_IO`, `ERR_CGROUP_PERMISSION`: a file cannot be opened; none stays open.
   */
  openJoinFds(options?: JoinOptions): JoinFds {
    return openJoinFds(this.#group, options)
  }

  /**
   * Changes limits; what is left out stays. Limits that depend on each other (memory and swap, quota, period and
   * burst) are written in the order that the kernel takes. Device rules are replaced as a whole.
   *
   * Not all or nothing: what comes before a refused value stays written. Lowering memory below its use makes the
   * kernel reclaim; v1 refuses (`EBUSY`) when that is not enough, v2 kills inside the group.
   *
   * @param resources - The new limits.
   * @throws {@link CgroupError} as {@link createCgroup}.
   */
  update(resources: Resources): void {
    updateGroup(this.#group, this.hierarchy, resources)
  }

  /**
   * Throws what {@link update} would for `memory.checkBeforeUpdate`, without changing anything.
   *
   * @internal
   */
  checkUpdate(resources: Resources): void {
    checkUsage(this.#group, resources)
  }

  /**
   * Moves one thread into the group, and leaves the other threads of its process where they are. v1 `tasks`; v2
   * `cgroup.threads`, for which the group must be `threaded` and in the same subtree as the process.
   *
   * @param tid - Thread id in this pid namespace, as in `/proc/PID/task`.
   * @throws {@link CgroupError} as {@link add}; `ERR_CGROUP_REFUSED` (`EOPNOTSUPP`): a v2 group of processes.
   */
  addThread(tid: number): void {
    checkInteger('thread id', tid, 1, 2 ** 31 - 1)
    addThread(this.#group, tid)
  }

  /** Lists the threads in the group and in those below it, in any hierarchy; otherwise as {@link processes}. */
  threads(): number[] {
    return threadsOf(this.#group)
  }

  /** What kind of v2 group it is; `undefined` when the group is not in v2, or gone. v1 has one kind, which takes threads. */
  type(): GroupType | undefined {
    return typeOf(this.#group)
  }

  /**
   * Lets a user who is not root manage the groups below: the folder, and the files to move processes and to hand on
   * controllers, become that user's; the limits of this group itself do not. See cgroups(7), "Delegation".
   * v2 keeps processes inside: the user moves them only between groups below this one. v1 has no such rule.
   *
   * @param to - The user.
   * @throws {@link CgroupError} `ERR_CGROUP_PERMISSION`: not root. Nothing is changed then.
   */
  delegate(to: Delegate): void {
    delegateGroup(this.#group, to)
  }

  /**
   * Reads what the group uses: 30 to 50 files. Whoever reads again and again does it with {@link openStats}.
   *
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_NOT_FOUND`: the group was removed.
   *   - `ERR_CGROUP_PARSE`: a file has an unexpected shape.
   */
  stats(): CgroupStats {
    return readStats(this.#group)
  }

  /**
   * For reading {@link stats} again and again, many times as fast: keeps the files open, and reads all in one step.
   *
   * @example
   * using reader = group.openStats()
   * setInterval(() => console.log(reader.read().memory?.usage), 1000)
   */
  openStats(): StatsReader {
    return new StatsReader(this.#group)
  }

  /** Where the group may run and have memory; `undefined` when it is not in the `cpuset` controller. */
  cpuset(): Cpuset | undefined {
    const home = folderWith(this.#group, 'cpuset')
    return home && readCpuset(home)
  }

  /**
   * Reads how long processes stood still for want of something. v1 counts that for the whole host only: `scope` says
   * which it is. On a hybrid host groups have figures when they are made with `unified`.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_UNSUPPORTED`: a kernel without `CONFIG_PSI`.
   */
  pressure(resource: PressureResource): ScopedPressure {
    const { path, scope } = pressureFile(this.#group, resource)
    return { scope, ...readPressure(path) }
  }

  /**
   * Tells when processes stood still for longer than a bound within a window, at most once a window: a trigger of the
   * kernel's, no polling. Gives the figures of then. Of the group, or of the host as {@link pressure}. Ends when the
   * group is removed, by `signal` and by `break`.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`, `ERR_CGROUP_REFUSED`: a bound or window that the kernel does
   *   not take; `ERR_CGROUP_PERMISSION`; `ERR_CGROUP_UNSUPPORTED` as {@link pressure}.
   */
  pressureEvents(resource: PressureResource, trigger: PressureTrigger): AsyncIterableIterator<Pressure> {
    return pressureEventsOf(pressureFile(this.#group, resource).path, trigger)
  }

  /**
   * How many processes were killed because the group had no memory left: one file, and still there when all
   * processes are dead. v1 counts those in the group itself, v2 also those in groups below. 0 when the group is
   * gone or has no memory controller.
   */
  oomKills(): number {
    return readOomKills(this.#group)
  }

  /**
   * Tells what happens to the group from now on, without polling: inotify on v2's files, and an eventfd on v1's
   * `memory.oom_control`. News that nobody has read yet are put together. Ends when the group is removed, by `signal`
   * and by `break`.
   *
   * What v1 does not tell of is seen in other ways: the end of the last process by its pidfd (a process that was moved
   * elsewhere is waited for as well, and a first one that joins a group below is not seen); freezing by writes to
   * `freezer.state`. Refused forks are told of on v1 by kernels before 6.11; newer ones have only the count, which is
   * looked at when something else happens, at the latest when the last process ends.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_NO_CONTROLLER`: one of the `types` asked for cannot be told of.
   */
  events(options?: EventOptions): AsyncIterableIterator<CgroupEvent> {
    return eventsOf(this.#group, options)
  }

  /**
   * Lists the processes in the group and in those below it, in any hierarchy.
   *
   * @returns Process ids, ascending; 0 stands for processes that this pid namespace does not show. Empty when the
   *   group is gone. Zombies do not count.
   */
  processes(): number[] {
    return processesOf(this.#group)
  }

  /**
   * Signals every process in the group and those below it.
   *
   * With `SIGKILL` (the default) it resolves when all are gone, also those that fork meanwhile and those that are
   * frozen, by `cgroup.kill` or freeze, signal, thaw, again until none is left. With any other signal it resolves
   * when it is sent. An empty or removed group has nobody to signal.
   *
   * @param name - The signal.
   * @param options - `timeoutMs` bounds the wait for the end, 10000 by default.
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_TIMEOUT`: some are left, such as in uninterruptible sleep.
   *   - `ERR_CGROUP_BUSY`: this very process is in the group.
   *   - `ERR_CGROUP_PERMISSION`: a process must not be signalled.
   */
  kill(name: NodeJS.Signals = 'SIGKILL', options?: WaitOptions): Promise<void> {
    return killGroup(this.#group, name, options)
  }

  /**
   * Stops every process in the group, and those that it forks, until {@link thaw}: v1 `freezer.state`, v2
   * `cgroup.freeze`. Resolves when all have stopped; thaws again when they do not.
   *
   * @param options - `timeoutMs`, 10000 by default.
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_TIMEOUT`: a process did not stop in time.
   *   - `ERR_CGROUP_BUSY`: this very process is in the group.
   *   - `ERR_CGROUP_NO_CONTROLLER`: there is no freezer.
   */
  freeze(options?: WaitOptions): Promise<void> {
    return freezeGroup(this.#group, options)
  }

  /**
   * Lets the processes go on that {@link freeze} stopped.
   *
   * @param options - `timeoutMs`, 10000 by default.
   * @throws {@link CgroupError} `ERR_CGROUP_TIMEOUT`: still frozen, as when a group above it is.
   */
  thaw(options?: WaitOptions): Promise<void> {
    return thawGroup(this.#group, options)
  }

  /** True when every process is stopped: by {@link freeze} or by that of a group above. */
  isFrozen(): boolean {
    return isGroupFrozen(this.#group)
  }

  /**
   * Removes the group and all groups below it, from every hierarchy. Waits for processes that are just ending.
   * Groups above stay. A group that is gone is not an error.
   *
   * Does not kill: a group with living processes is `ERR_CGROUP_BUSY` after the wait. When several hierarchies
   * fail, `cause` is an `AggregateError` with all of them; the others are done.
   *
   * @param options - `timeoutMs`, 2000 by default.
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_BUSY`: processes are left.
   *   - `ERR_CGROUP_PERMISSION`: the hierarchy is not writable for the caller.
   */
  remove(options?: WaitOptions): Promise<void> {
    return removeGroup(this.#group, options)
  }

  /** {@link kill}, then {@link remove}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await this.remove()
  }
}
