import type { CgroupEvent, EventOptions } from '../events/cgroup-event.js'
import type { PressureTrigger } from '../events/pressure-events.js'
import type { ScopedPressure } from '../stats/pressure-file.js'
import type { Pressure, PressureResource } from '../stats/pressure.js'
import type { StatsReader } from '../stats/stats-reader.js'
import type { CgroupStats } from '../stats/stats.js'

/** What a group uses, and what happens to it. */
export interface CgroupFigures {
  /**
   * Reads what the group uses: 30 to 50 files. Whoever reads again and again does it with {@link openStats}.
   *
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_NOT_FOUND`: the group was removed.
   *   - `ERR_CGROUP_PARSE`: a file has an unexpected shape.
   */
  stats(): CgroupStats

  /**
   * For reading {@link stats} again and again, many times as fast: keeps the files open, and reads all in one step.
   *
   * @example
   * using reader = group.openStats()
   * setInterval(() => console.log(reader.read().memory?.usage), 1000)
   */
  openStats(): StatsReader

  /**
   * How many processes were killed because the group had no memory left: one file, and still there when all
   * processes are dead. v1 counts those in the group itself, v2 also those in groups below. 0 when the group is
   * gone or has no memory controller.
   */
  oomKills(): number

  /**
   * Reads how long processes stood still for want of something. v1 counts that for the whole host only: `scope` says
   * which it is. On a hybrid host groups have figures when they are made with `unified`.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_UNSUPPORTED`: a kernel without `CONFIG_PSI`.
   */
  pressure(resource: PressureResource): ScopedPressure

  /**
   * Tells when processes stood still for longer than a bound within a window, at most once a window: a trigger of the
   * kernel's, no polling. Gives the figures of then. Of the group, or of the host as {@link pressure}. Ends when the
   * group is removed, by `signal` and by `break`.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`, `ERR_CGROUP_REFUSED`: a bound or window that the kernel does
   *   not take; `ERR_CGROUP_PERMISSION`; `ERR_CGROUP_UNSUPPORTED` as {@link pressure}.
   */
  pressureEvents(resource: PressureResource, trigger: PressureTrigger): AsyncIterableIterator<Pressure>

  /**
   * Tells what happens to the group from now on, without polling: inotify on v2's files, and an eventfd on v1's
   * `memory.oom_control`. News that nobody has read yet are put together. Ends when the group is removed, by `signal`
   * and by `break`.
   *
   * What v1 does not tell of is seen in other ways: the end of the last process by its pidfd (a process that was moved
   * elsewhere is waited for as well); freezing by writes to `freezer.state`. Refused forks are told of on v1 by kernels
   * before 6.11; newer ones have only the count, which is looked at when something else happens, at the latest when the
   * last process ends.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_NO_CONTROLLER`: one of the `types` asked for cannot be told of.
   */
  events(options?: EventOptions): AsyncIterableIterator<CgroupEvent>
}
