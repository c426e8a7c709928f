import type { WaitOptions } from './wait.js'

/** How a group is stopped, ended and removed. */
export interface CgroupControl extends AsyncDisposable {
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
  kill(name?: NodeJS.Signals, options?: WaitOptions): Promise<void>

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
  freeze(options?: WaitOptions): Promise<void>

  /**
   * Lets the processes go on that {@link freeze} stopped.
   *
   * @param options - `timeoutMs`, 10000 by default.
   * @throws {@link CgroupError} `ERR_CGROUP_TIMEOUT`: still frozen, as when a group above it is.
   */
  thaw(options?: WaitOptions): Promise<void>

  /** True when every process is stopped: by {@link freeze} or by that of a group above. */
  isFrozen(): boolean

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
  remove(options?: WaitOptions): Promise<void>
}
