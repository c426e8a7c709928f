import { invalid } from '../plan/check.js'
import { DEFAULT_PERIOD_USEC } from '../plan/plan-cpu.js'
import { quotaPerSecond } from './quota.js'
import { amount, bits, IDLE_SINCE, type UnitProperty } from './unit-property.js'

/** Files that hold one amount, and their properties. */
const amounts: Readonly<Record<string, string>> = {
  'cpu.weight': 'CPUWeight',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.max': 'MemoryMax',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
}
const lists: Readonly<Record<string, string>> = {
  'cpuset.cpus': 'AllowedCPUs',
  'cpuset.mems': 'AllowedMemoryNodes',
}

/**
 * Says files of v2 in properties of a unit, those that systemd has; the others are for the files alone. Pure.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: a text that the kernel would not take either.
 */
export function unifiedProperties(
  unified: Readonly<Record<string, string>>,
  systemd: number,
): UnitProperty[] {
  const idle = unified['cpu.idle']?.trim() === '1' && systemd >= IDLE_SINCE
  return Object.entries(unified).flatMap(([file, text]): UnitProperty[] => {
    const value = text.trim()
    if (file === 'cpu.weight' && idle) return [] // an idle group has no weight
    if (file === 'cpu.idle') return idle ? [amount('CPUWeight', 0)] : []
    if (file === 'cpu.max') return maxOf(value)
    if (Object.hasOwn(amounts, file)) return [amount(amounts[file]!, numberOf(file, value))]
    if (Object.hasOwn(lists, file)) return value === '' ? [] : [bits(lists[file]!, value)]
    return []
  })
}

/** The version of systemd from which scopes have a policy of what follows when there is no memory left. */
const OOM_POLICY_SINCE = 253

/** What only a new unit may be told: `memory.oom.group`. Pure. */
export function oomPolicy(unified: Readonly<Record<string, string>>, systemd: number): UnitProperty[] {
  const value = { '0': 'continue', '1': 'kill' }[unified['memory.oom.group']?.trim() ?? '']
  return value === undefined || systemd < OOM_POLICY_SINCE
    ? []
    : [{ name: 'OOMPolicy', signature: 's', value }]
}

function maxOf(text: string): UnitProperty[] {
  const [quota = '', period = String(DEFAULT_PERIOD_USEC), ...more] = text.split(/\s+/)
  const length = numberOf('cpu.max', period)
  const time = numberOf('cpu.max', quota)
  if (more.length > 0 || length === 'max' || length === 0) throw notOne('cpu.max', text)
  return [
    amount('CPUQuotaPeriodUSec', length),
    amount('CPUQuotaPerSecUSec', time === 'max' ? 'max' : quotaPerSecond(time, length)),
  ]
}

function numberOf(file: string, text: string): number | 'max' {
  if (text === 'max') return text
  if (!/^\d{1,19}$/.test(text)) throw notOne(file, text)
  // what no double holds is more than any machine has
  const value = Number(text)
  return value > Number.MAX_SAFE_INTEGER ? 'max' : file === 'pids.max' ? Math.max(1, value) : value
}

function notOne(file: string, text: string): Error {
  return invalid(`unified.${file}`, "a number or 'max'", text)
}
