import type { Hierarchy } from '../host/hierarchy.js'
import { readFileIfThere, writeInterfaceFiles } from '../kernel/interface-file.js'
import { planFor } from '../plan/plan-resources.js'
import { planUpdate } from '../plan/plan-update.js'
import type { Resources } from '../plan/resources.js'
import type { Group } from './group.js'
import { place } from './place.js'

/** Changes the limits of a group; see `Cgroup.update`. */
export function updateGroup(group: Group, hierarchy: Hierarchy, resources: Resources): void {
  const plan = planUpdate(planFor(hierarchy, resources), resources, (setting) => {
    const [file] = place([{ ...setting, value: '' }], group)
    return readFileIfThere(file!.path)
  })
  writeInterfaceFiles(place(plan, group))
}
