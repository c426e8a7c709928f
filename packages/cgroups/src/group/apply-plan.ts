import { CgroupError } from '../errors.js'
import { attachDeviceProgram } from '../devices/attach.js'
import { deviceProgram } from '../devices/device-program.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { writeInterfaceFiles } from '../kernel/interface-file.js'
import { versionsOf } from '../plan/plan-resources.js'
import type { Resources } from '../plan/resources.js'
import type { Setting } from '../plan/setting.js'
import { unifiedFolder, type Group } from './group.js'
import { place } from './place.js'

/** Writes a plan into a group's files, and on v2 attaches the program that device rules are there. */
export function applyPlan(
  plan: readonly Setting[],
  group: Group,
  { devices }: Resources,
  hierarchy: Hierarchy,
): void {
  writeInterfaceFiles(place(plan, group))
  if (!devices || devices.length === 0 || versionsOf(hierarchy)('devices') === 1) return
  const folder = unifiedFolder(group)
  if (folder === undefined)
    throw new CgroupError(
      'ERR_CGROUP_NO_CONTROLLER',
      `cannot limit devices: ${group.path} is neither in a v1 devices hierarchy nor in the unified one`,
      { path: group.path },
    )
  attachDeviceProgram(folder, deviceProgram(devices))
}
