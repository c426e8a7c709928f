import { CgroupError } from '../errors.js'
import { planDeviceChange } from './plan-devices.js'
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

/** Pairs of which the first divided by the second has a bound, that of the parent group. */
const bounded = [
  { part: 'cpu.cfs_quota_us', period: 'cpu.cfs_period_us' },
  { part: 'cpu.rt_runtime_us', period: 'cpu.rt_period_us' },
] as const

/**
 * Fits the plan of a new group to one that has limits already. Pure.
 *
 * - Of two limits that the kernel keeps ordered (memory below memory and swap, burst below quota), the higher
 *   is raised first and lowered last.
 * - A period is made longer before its quota changes, and shorter after it, so that the quota's share of it is never
 *   above both the old and the new one.
 * - v2's `cpu.max` holds quota and period: a period given alone keeps the quota.
 * - v2's swap without a new memory limit is counted from the limit that is there.
 * - v1's device rules are led over one by one.
 *
 * @param plan - What `planResources` made of `resources`.
 * @param resources - What shall change.
 * @param read - The values now.
 */
export function planUpdate(plan: readonly Setting[], resources: Resources, read: ReadSetting): Setting[] {
  const changed = plan.map((setting) => keepQuota(keepLimit(setting, resources, read), resources, read))
  const result = changeDevices(changed, resources, read)
  for (const { part, period } of bounded) {
    const now = read(find(result, period) ?? { controller: 'cpu', file: period })
    const shorter = amount(find(result, period)?.value) < amount(now)
    place(result, part, period, shorter)
  }
  for (const { low, high } of ordered) {
    const setting = find(result, high)
    if (setting) place(result, high, low, amount(setting.value) > amount(read(setting)))
  }
  return result
}

/** Moves the setting of `file` before, or behind, that of `other`, when there are both. */
function place(plan: Setting[], file: string, other: string, before: boolean): void {
  const at = plan.findIndex((setting) => setting.file === file)
  const otherAt = plan.findIndex((setting) => setting.file === other)
  if (at < 0 || otherAt < 0 || before === at < otherAt) return
  const [setting] = plan.splice(at, 1)
  plan.splice(otherAt, 0, setting!)
}

function find(plan: readonly Setting[], file: string): Setting | undefined {
  return plan.find((setting) => setting.file === file)
}

function keepQuota(setting: Setting, { cpu }: Resources, read: ReadSetting): Setting {
  // not what the map of v2's files says
  if (setting.file !== 'cpu.max' || setting.value !== `max ${cpu?.period}` || cpu?.quota !== undefined)
    return setting
  const quota = read(setting)?.split(' ')[0] ?? 'max'
  return { ...setting, value: `${quota} ${String(cpu?.period)}` }
}

function keepLimit(setting: Setting, { memory }: Resources, read: ReadSetting): Setting {
  const swap = memory?.swap
  if (setting.file !== 'memory.swap.max' || memory?.limit !== undefined || typeof swap !== 'number')
    return setting
  const limit = amount(read({ controller: 'memory', file: 'memory.max' }))
  if (limit <= swap) return { ...setting, value: String(swap - limit) }
  throw new CgroupError(
    'ERR_CGROUP_INVALID_ARG',
    `cannot use memory.swap ${swap}: it limits memory and swap together, so it needs a memory.limit that is not above it`,
  )
}

function changeDevices(plan: readonly Setting[], { devices }: Resources, read: ReadSetting): Setting[] {
  const at = plan.findIndex(({ controller }) => controller === 'devices')
  if (at < 0 || !devices) return [...plan]
  const list = read({ controller: 'devices', file: 'devices.list' }) ?? ''
  const others = plan.filter(({ controller }) => controller !== 'devices')
  others.splice(at, 0, ...planDeviceChange(devices, list))
  return others
}

/** The first number of a file; without limit when it says so or is not there. */
function amount(text: string | undefined): number {
  const word = text?.trim().split(' ')[0]
  return word === undefined || word === 'max' || word === '-1' ? Infinity : Number(word)
}
