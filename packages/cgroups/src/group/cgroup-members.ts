import type { JoinFds, JoinOptions } from './join-fds.js'

/** What a group has in it. */
export interface CgroupMembers {
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
  add(pid: number): void

  /**
   * Opens what a new process needs to put itself into the group before it executes its program.
   *
   * @param options - Whether `clone3` will start it in the unified hierarchy.
   * @returns Open files; close them when the process has joined.
   * @throws {@link CgroupError} `ERR_CGROUP_IO`, `ERR_CGROUP_PERMISSION`: a file cannot be opened; none stays open.
   */
  openJoinFds(options?: JoinOptions): JoinFds

  /**
   * Lists the processes in the group and in those below it, in any hierarchy.
   *
   * @returns Process ids, ascending; 0 stands for processes that this pid namespace does not show. Empty when the
   *   group is gone. Zombies do not count.
   */
  processes(): number[]

  /**
   * Moves one thread into the group, and leaves the other threads of its process where they are. v1 `tasks`; v2
   * `cgroup.threads`, for which the group must be `threaded` and in the same subtree as the process.
   *
   * @param tid - Thread id in this pid namespace, as in `/proc/PID/task`.
   * @throws {@link CgroupError} as {@link add}; `ERR_CGROUP_REFUSED` (`EOPNOTSUPP`): a v2 group of processes.
   */
  addThread(tid: number): void

  /** Lists the threads in the group and in those below it, in any hierarchy; otherwise as {@link processes}. */
  threads(): number[]
}
