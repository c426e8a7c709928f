import { CgroupError } from '../errors.js'
import type { FileWrite } from '../kernel/interface-file.js'
import type { Setting } from '../plan/setting.js'
import { folderWith, type Group } from './group.js'

/**
 * Says where in a group's folders the settings of a plan go.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_NO_CONTROLLER`: the group is not in a setting's hierarchy.
 */
export function place(plan: readonly Setting[], group: Group): FileWrite[] {
  return plan.map(({ controller, file, value }) => {
    const home = folderWith(group, controller)
    if (home) return { path: `${home.folder}/${file}`, value }
    throw new CgroupError(
      'ERR_CGROUP_NO_CONTROLLER',
      `cannot write ${file}: ${group.path} is not in the hierarchy of ${controller}`,
      { path: group.path, value },
    )
  })
}
