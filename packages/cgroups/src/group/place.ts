import { existsSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import type { FileWrite } from '../kernel/interface-file.js'
import type { Setting } from '../plan/setting.js'
import { folderWith, unifiedFolder, type Group } from './group.js'

/**
 * Says where in a group's folders the settings of a plan go.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_NO_CONTROLLER`: the group is not in a setting's hierarchy.
 */
export function place(plan: readonly Setting[], group: Group): FileWrite[] {
  return plan.flatMap((setting) => placeOne(setting, group))
}

function placeOne({ controller, file, value, otherwise }: Setting, group: Group): FileWrite[] {
  // files such as cgroup.max.depth are of no controller
  const folder = controller === 'cgroup' ? unifiedFolder(group) : folderWith(group, controller)?.folder
  if (folder === undefined)
    throw new CgroupError(
      'ERR_CGROUP_NO_CONTROLLER',
      `cannot write ${file}: ${group.path} is not in the hierarchy of ${controller}`,
      { path: group.path, value },
    )
  const path = `${folder}/${file}`
  if (otherwise === undefined || existsSync(path)) return [{ path, value }]
  return otherwise === 'skip' ? [] : placeOne(otherwise, group)
}
