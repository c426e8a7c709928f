import { CgroupError } from '../errors.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { readFileIfThere } from '../kernel/interface-file.js'
import { planFor } from '../plan/plan-resources.js'
import { planUpdate, type ReadSetting } from '../plan/plan-update.js'
import type { Resources } from '../plan/resources.js'
import { applyPlan } from './apply-plan.js'
import { folderWith, type Group } from './group.js'

/** Changes the limits of a group; see `Cgroup.update`. */
export function updateGroup(group: Group, hierarchy: Hierarchy, resources: Resources): void {
  const read: ReadSetting = ({ controller, file }) => {
    const home = folderWith(group, controller)
    return home && readFileIfThere(`${home.folder}/${file}`)
  }
  // what runs in the group already needs no smallest limit to start in
  const planned = planFor(hierarchy, resources, { smallestMemory: 0, update: true })
  const plan = planUpdate(planned, resources, read)
  checkUsage(group, resources)
  applyPlan(plan, group, resources, hierarchy)
}

/** Refuses what v2 would kill for, where that is asked for. */
export function checkUsage(group: Group, { memory }: Pick<Resources, 'memory'>): void {
  if (memory?.checkBeforeUpdate !== true) return
  const { limit, swap } = memory
  const home = folderWith(group, 'memory')
  if (home?.mount.version !== 2) return
  const amount = (file: string) => Number(readFileIfThere(`${home.folder}/${file}`) ?? 0)
  const usage = amount('memory.current')
  const refuse = (what: string, asked: number, used: number) =>
    new CgroupError(
      'ERR_CGROUP_REFUSED',
      `cannot update ${group.path}: rejecting ${what} limit ${asked}: ${used} bytes are in use`,
      { path: home.folder, value: String(asked) },
    )
  if (typeof swap === 'number') {
    const both = usage + amount('memory.swap.current')
    if (swap < both) throw refuse('memory+swap', swap, both)
  }
  if (typeof limit === 'number' && limit < usage) throw refuse('memory', limit, usage)
}
