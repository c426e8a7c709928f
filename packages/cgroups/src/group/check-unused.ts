import { CgroupError } from '../errors.js'
import { isGroupFrozen } from './freeze.js'
import type { Group } from './group.js'
import { processesIn } from './processes.js'

/**
 * Throws unless a group that was there can be taken by somebody new.
 *
 * @param made - Folders that were just made, which cannot have processes.
 * @throws {@link CgroupError} `ERR_CGROUP_BUSY`: it has processes; `ERR_CGROUP_FROZEN`: it or one above is frozen.
 */
export function checkUnused(group: Group, made: readonly string[]): void {
  for (const { folder } of group.folders) {
    if (made.includes(folder)) continue
    const { length } = processesIn(folder)
    if (length > 0)
      throw new CgroupError(
        'ERR_CGROUP_BUSY',
        `cannot use ${group.path}: it is not empty: ${length} process(es) found in ${folder}`,
        { path: folder },
      )
  }
  if (isGroupFrozen(group))
    throw new CgroupError('ERR_CGROUP_FROZEN', `cannot use ${group.path}: it is frozen, thaw it first`, {
      path: group.path,
    })
}
