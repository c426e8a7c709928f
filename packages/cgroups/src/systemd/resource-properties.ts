import { DEFAULT_PERIOD_USEC } from '../plan/plan-cpu.js'
import type { VersionOf } from '../plan/plan-resources.js'
import type { CpuResources, MemoryResources, Resources } from '../plan/resources.js'
import { sharesToWeight } from '../plan/shares.js'
import { deviceProperties } from './device-properties.js'
import { quotaPerSecond } from './quota.js'
import { unifiedProperties } from './unified-properties.js'
import { amount, bits, IDLE_SINCE, type UnitProperty } from './unit-property.js'

/**
 * Says limits in properties of a unit, as far as systemd has words for them; the files of the cgroup say the rest. What
 * is there twice, as `memory.limit` and in `unified`, is said as in `unified`, which is written last there as well. Pure.
 *
 * @param resources - Checked before: what `planFor` takes.
 * @param versionOf - Version of the interface that a controller has here.
 * @param systemd - Version of systemd, where a limit depends on it.
 */
export function resourceProperties(
  resources: Resources,
  versionOf: VersionOf,
  systemd: number,
): UnitProperty[] {
  const { cpu, memory, pids, blockIO, devices, unified } = resources
  const found = [
    ...(cpu ? cpuProperties(cpu, versionOf, systemd) : []),
    ...(memory ? memoryProperties(memory, versionOf('memory')) : []),
    ...(pids?.limit === undefined ? [] : [amount('TasksMax', pids.limit)]),
    ...(blockIO?.weight === undefined ? [] : [ioWeight(blockIO.weight, versionOf('blkio'))]),
    ...(devices && devices.length > 0 ? deviceProperties(devices) : []),
    ...(unified ? unifiedProperties(unified, systemd) : []),
  ]
  return lastOfEach(found)
}

/** Whether the version of systemd must be known. */
export function dependsOnVersion({ cpu, unified = {} }: Resources): boolean {
  return cpu?.idle === true || 'cpu.idle' in unified || 'memory.oom.group' in unified
}

function cpuProperties(cpu: CpuResources, versionOf: VersionOf, systemd: number): UnitProperty[] {
  const { shares, quota, period, idle, cpus, mems } = cpu
  const onV2 = versionOf('cpu') === 2
  const found: UnitProperty[] = []
  if (shares !== undefined)
    found.push(amount(onV2 ? 'CPUWeight' : 'CPUShares', onV2 ? sharesToWeight(shares) : shares))
  if (idle === true && onV2 && systemd >= IDLE_SINCE) found.push(amount('CPUWeight', 0))
  if (period !== undefined) found.push(amount('CPUQuotaPeriodUSec', period))
  if (quota !== undefined)
    found.push(
      amount(
        'CPUQuotaPerSecUSec',
        quota === 'max' ? 'max' : quotaPerSecond(quota, period ?? DEFAULT_PERIOD_USEC),
      ),
    )
  if (versionOf('cpuset') === 2) {
    if (cpus !== undefined) found.push(bits('AllowedCPUs', cpus))
    if (mems !== undefined) found.push(bits('AllowedMemoryNodes', mems))
  }
  return found
}

function memoryProperties(memory: MemoryResources, version: 1 | 2): UnitProperty[] {
  const { limit, reservation, swap } = memory
  if (version === 1) return limit === undefined ? [] : [amount('MemoryLimit', limit)]
  const swapAlone = typeof swap === 'number' && typeof limit === 'number' ? swap - limit : swap
  return [
    ...(limit === undefined ? [] : [amount('MemoryMax', limit)]),
    ...(reservation === undefined ? [] : [amount('MemoryLow', reservation)]),
    ...(swapAlone === undefined ? [] : [amount('MemorySwapMax', swapAlone)]),
  ]
}

/** On v2 systemd's weight is that of `io.weight`, from which it comes to the one of the BFQ scheduler: 10 to 1000. */
function ioWeight(weight: number, version: 1 | 2): UnitProperty {
  if (version === 1) return amount('BlockIOWeight', weight)
  return amount('IOWeight', weight <= 100 ? weight : 100 + (weight - 100) * 11)
}

/** A property that is set is set once; lists of devices are emptied before they are filled. */
function lastOfEach(properties: readonly UnitProperty[]): UnitProperty[] {
  return properties.filter(
    ({ name }, index) =>
      name === 'DeviceAllow' || properties.findLastIndex((other) => other.name === name) === index,
  )
}
