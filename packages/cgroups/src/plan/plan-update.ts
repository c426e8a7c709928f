import type { Resources } from './resources.js'
import type { Setting } from './setting.js'

/** Reads one interface file of the group, `undefined` when it is not there. */
export type ReadSetting = (setting: Pick<Setting, 'controller' | 'file'>) => string | undefined

/** Pairs of files that the kernel keeps in `first <= second` at every moment. */
const ordered = [
  { low: 'memory.limit_in_bytes', high: 'memory.memsw.limit_in_bytes' },
  { low: 'cpu.cfs_burst_us', high: 'cpu.cfs_quota_us' },
  { low: 'cpu.max.burst', high: 'cpu.max' },
] as const

/**
 * Fits the plan of a new group to one that has limits already. Pure.
 *
 * - Of two limits that the kernel keeps ordered (memory below memory and swap, burst below quota), the higher
 *   is raised first and lowered last.
 * - v2's `cpu.max` holds quota and period: a period given alone keeps the quota.
 *
 * @param plan - What `planResources` made of `resources`.
 * @param resources - What shall change.
 * @param read - The values now.
 */
export function planUpdate(plan: readonly Setting[], resources: Resources, read: ReadSetting): Setting[] {
  const result = plan.map((setting) => keepQuota(setting, resources, read))
  for (const { low, high } of ordered) {
    const at = result.findIndex(({ file }) => file === low)
    const highAt = result.findIndex(({ file }) => file === high)
    if (at < 0 || highAt < 0) continue
    const raised = amount(result[highAt]!.value) > amount(read(result[highAt]!))
    if (raised === highAt < at) continue
    const [setting] = result.splice(highAt, 1)
    result.splice(at, 0, setting!)
  }
  return result
}

function keepQuota(setting: Setting, { cpu }: Resources, read: ReadSetting): Setting {
  if (setting.file !== 'cpu.max' || cpu?.quota !== undefined) return setting
  const quota = read(setting)?.split(' ')[0] ?? 'max'
  return { ...setting, value: `${quota} ${String(cpu?.period)}` }
}

/** The first number of a file; without limit when it says so or is not there. */
function amount(text: string | undefined): number {
  const word = text?.trim().split(' ')[0]
  return word === undefined || word === 'max' || word === '-1' ? Infinity : Number(word)
}
