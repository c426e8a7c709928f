import type { Group } from '../group/group.js'
import { readStats } from './read-stats.js'
import { KeptSource } from './source.js'
import type { CgroupStats } from './stats.js'

/**
 * Reads the figures of a group again and again, and keeps its files open in between: about 30 descriptors. Four times
 * as fast as `Cgroup.stats`. What `Cgroup.openStats` gives.
 */
export class StatsReader implements Disposable {
  readonly #group: Group
  readonly #source = new KeptSource()

  /** @internal */
  constructor(group: Group) {
    this.#group = group
  }

  /**
   * Reads the figures now; files are opened the first time.
   *
   * @throws {@link CgroupError}
   *   - `ERR_CGROUP_NOT_FOUND`: the group was removed.
   *   - `ERR_CGROUP_IO`: `EMFILE`, no more descriptors may be opened.
   */
  read(): CgroupStats {
    return readStats(this.#group, this.#source)
  }

  /** Closes the files. Idempotent; a `read` opens them again. */
  close(): void {
    this.#source.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
