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
import type { CgroupControl } from './cgroup-control.js'
import type { CgroupFigures } from './cgroup-figures.js'
import type { CgroupLimits } from './cgroup-limits.js'
import type { CgroupMembers } from './cgroup-members.js'
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
export class Cgroup implements CgroupMembers, CgroupLimits, CgroupFigures, CgroupControl {
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

  add(pid: number): void {
    checkInteger('process id', pid, 1, 2 ** 31 - 1)
    writeInterfaceFiles(
      this.#group.folders.map(({ folder }) => ({ path: `${folder}/cgroup.procs`, value: String(pid) })),
    )
  }

  openJoinFds(options?: JoinOptions): JoinFds {
    return openJoinFds(this.#group, options)
  }

  update(resources: Resources): void {
    updateGroup(this.#group, this.hierarchy, resources)
  }

  checkUpdate(resources: Resources): void {
    checkUsage(this.#group, resources)
  }

  addThread(tid: number): void {
    checkInteger('thread id', tid, 1, 2 ** 31 - 1)
    addThread(this.#group, tid)
  }

  threads(): number[] {
    return threadsOf(this.#group)
  }

  /** What kind of v2 group it is; `undefined` when the group is not in v2, or gone. v1 has one kind, which takes threads. */
  type(): GroupType | undefined {
    return typeOf(this.#group)
  }

  delegate(to: Delegate): void {
    delegateGroup(this.#group, to)
  }

  stats(): CgroupStats {
    return readStats(this.#group)
  }

  openStats(): StatsReader {
    return new StatsReader(this.#group)
  }

  cpuset(): Cpuset | undefined {
    const home = folderWith(this.#group, 'cpuset')
    return home && readCpuset(home)
  }

  pressure(resource: PressureResource): ScopedPressure {
    const { path, scope } = pressureFile(this.#group, resource)
    return { scope, ...readPressure(path) }
  }

  pressureEvents(resource: PressureResource, trigger: PressureTrigger): AsyncIterableIterator<Pressure> {
    return pressureEventsOf(pressureFile(this.#group, resource).path, trigger)
  }

  oomKills(): number {
    return readOomKills(this.#group)
  }

  events(options?: EventOptions): AsyncIterableIterator<CgroupEvent> {
    return eventsOf(this.#group, options)
  }

  processes(): number[] {
    return processesOf(this.#group)
  }

  kill(name: NodeJS.Signals = 'SIGKILL', options?: WaitOptions): Promise<void> {
    return killGroup(this.#group, name, options)
  }

  freeze(options?: WaitOptions): Promise<void> {
    return freezeGroup(this.#group, options)
  }

  thaw(options?: WaitOptions): Promise<void> {
    return thawGroup(this.#group, options)
  }

  isFrozen(): boolean {
    return isGroupFrozen(this.#group)
  }

  remove(options?: WaitOptions): Promise<void> {
    return removeGroup(this.#group, options)
  }

  /** {@link kill}, then {@link remove}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await this.remove()
  }
}
