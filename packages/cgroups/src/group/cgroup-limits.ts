import type { Resources } from '../plan/resources.js'
import type { Cpuset } from '../stats/cpuset.js'
import type { Delegate } from './delegate.js'

/** What a group may use, and who may say so. */
export interface CgroupLimits {
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
  update(resources: Resources): void

  /**
   * Throws what {@link update} would for `memory.checkBeforeUpdate`, without changing anything.
   *
   * @internal
   */
  checkUpdate(resources: Resources): void

  /** Where the group may run and have memory; `undefined` when it is not in the `cpuset` controller. */
  cpuset(): Cpuset | undefined

  /**
   * Lets a user who is not root manage the groups below: the folder, and the files to move processes and to hand on
   * controllers, become that user's; the limits of this group itself do not. See cgroups(7), "Delegation".
   * v2 keeps processes inside: the user moves them only between groups below this one. v1 has no such rule.
   *
   * @param to - The user.
   * @throws {@link CgroupError} `ERR_CGROUP_PERMISSION`: not root. Nothing is changed then.
   */
  delegate(to: Delegate): void
}
