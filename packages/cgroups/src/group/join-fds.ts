import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { pathError } from '../kernel/errno.js'
import type { Group } from './group.js'

/** Settings of `Cgroup.openJoinFds`. */
export interface JoinOptions {
  /**
   * The process will be started by `clone3` with `CLONE_INTO_CGROUP`: the unified hierarchy is then given as
   * `cloneInto` instead of in `writeZero`. Default false.
   */
  readonly cloneInto?: boolean | undefined
}

/** Open files through which a new process joins a group. They are close-on-exec, and owned by this object. */
export interface JoinFds extends Disposable {
  /**
   * The process writes `0` (one byte) to each, before it makes a cgroup namespace.
   *
   * On v1 these are the `tasks` files, which move the **calling thread** alone: right for a process of one
   * thread, as every process is between `clone` and `exec`. `cgroup.procs` would make the kernel stop all
   * forks and exits on the host first, 4 to 9 ms when none has been moved for some milliseconds.
   */
  readonly writeZero: readonly number[]
  /** Folder of the unified hierarchy for `clone_args.cgroup`; `undefined` unless asked for and there. */
  readonly cloneInto: number | undefined
  /** Closes all. Idempotent. */
  close(): void
}

/** Opens what a new process needs to join the group; see `Cgroup.openJoinFds`. */
export function openJoinFds(group: Group, { cloneInto = false }: JoinOptions = {}): JoinFds {
  const open: number[] = []
  const close = () => {
    for (const fd of open.splice(0)) closeSync(fd)
  }
  const opened = (path: string, flags: number): number => {
    try {
      const fd = openSync(path, flags)
      open.push(fd)
      return fd
    } catch (error) {
      close()
      throw pathError('open', path, error)
    }
  }
  const writeZero: number[] = []
  let directory: number | undefined
  for (const { mount, folder } of group.folders) {
    if (mount.version === 1) writeZero.push(opened(join(folder, 'tasks'), constants.O_WRONLY))
    else if (cloneInto) directory = opened(folder, constants.O_RDONLY | constants.O_DIRECTORY)
    else writeZero.push(opened(join(folder, 'cgroup.procs'), constants.O_WRONLY))
  }
  return { writeZero, cloneInto: directory, close, [Symbol.dispose]: close }
}
