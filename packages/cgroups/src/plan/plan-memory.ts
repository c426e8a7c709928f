import { CgroupError } from '../errors.js'
import { checkInteger, invalid } from './check.js'
import type { MemoryResources } from './resources.js'
import type { Setting } from './setting.js'

/**
 * The smallest memory limit taken, in bytes: 512 KiB. `execve` of a small dynamic program alone is charged
 * more than 256 KiB (program, libraries, page tables, kernel stack), so that below this the kernel kills a
 * container's first process before it does anything.
 */
export const MIN_MEMORY_LIMIT = 512 * 1024

/** What the plan of an update differs in. */
export interface PlanOptions {
  /** The smallest memory limit taken, in bytes. */
  readonly smallestMemory: number
  /** The group is there and may have limits that are not given again. */
  readonly update: boolean
}

/** Settings of `memory`, in the order that a new group needs. Pure. */
export function planMemory(memory: MemoryResources, version: 1 | 2, options: PlanOptions): Setting[] {
  check(memory, options)
  return version === 1 ? v1(memory) : v2(memory)
}

function v1(memory: MemoryResources): Setting[] {
  const { limit, reservation, swap, swappiness, disableOOMKiller, kernelTCP, high, min, killAllOnOom } =
    memory
  if (high !== undefined) throw onlyOnV2('memory.high')
  if (min !== undefined) throw onlyOnV2('memory.min')
  if (killAllOnOom === true) throw onlyOnV2('memory.killAllOnOom')
  return settings([
    ['memory.limit_in_bytes', bytes(limit, '-1')],
    // a new group's limit of both is endless, so that of memory alone goes first
    // without swap accounting it is endless as well
    ['memory.memsw.limit_in_bytes', bytes(swap, '-1'), swap === 'max'],
    ['memory.soft_limit_in_bytes', bytes(reservation, '-1')],
    ['memory.swappiness', swappiness === undefined ? undefined : String(swappiness)],
    ['memory.kmem.tcp.limit_in_bytes', bytes(kernelTCP, '-1')],
    ['memory.oom_control', disableOOMKiller === undefined ? undefined : disableOOMKiller ? '1' : '0'],
  ])
}

function v2(memory: MemoryResources): Setting[] {
  const { limit, reservation, swap, swappiness, disableOOMKiller, kernelTCP, high, min, killAllOnOom } =
    memory
  if (kernelTCP !== undefined) throw onlyOnV1('memory.kernelTCP')
  if (swappiness !== undefined) throw onlyOnV1('memory.swappiness')
  if (disableOOMKiller === true) throw onlyOnV1('memory.disableOOMKiller')
  const swapAlone = typeof swap === 'number' && typeof limit === 'number' ? swap - limit : swap
  return settings([
    ['memory.max', bytes(limit, 'max')],
    // no swap and any swap are what a kernel that does not count swap does anyway
    ['memory.swap.max', bytes(swapAlone, 'max'), swapAlone === 'max' || swapAlone === 0],
    ['memory.low', bytes(reservation, 'max')],
    ['memory.high', bytes(high, 'max')],
    ['memory.min', bytes(min, 'max')],
    ['memory.oom.group', killAllOnOom === undefined ? undefined : killAllOnOom ? '1' : '0'],
  ])
}

function check(memory: MemoryResources, { smallestMemory, update }: PlanOptions): void {
  const { limit, reservation, high, min, swap, swappiness, kernelTCP } = memory
  if (limit !== undefined && limit !== 'max') {
    checkInteger('memory.limit', limit, 0, Number.MAX_SAFE_INTEGER, 'bytes')
    if (limit < smallestMemory)
      throw invalid(
        'memory.limit',
        `at least ${smallestMemory} bytes (${smallestMemory / 1024} KiB), below which the kernel kills the first process before it runs`,
        limit,
      )
  }
  for (const [name, value] of Object.entries({ reservation, high, min }))
    if (value !== undefined && value !== 'max')
      checkInteger(`memory.${name}`, value, 0, Number.MAX_SAFE_INTEGER, 'bytes')
  if (swap !== undefined && swap !== 'max') {
    checkInteger('memory.swap', swap, 0, Number.MAX_SAFE_INTEGER, 'bytes')
    if ((limit === undefined && !update) || limit === 'max')
      throw invalid(
        'memory.swap',
        "beside a memory.limit in bytes, as it limits memory and swap together, or 'max'",
        swap,
      )
    if (limit !== undefined && swap < limit)
      throw invalid('memory.swap', `at least memory.limit (${limit}), as it includes it`, swap)
  }
  if (swappiness !== undefined) checkInteger('memory.swappiness', swappiness, 0, 100)
  if (kernelTCP !== undefined && kernelTCP !== 'max')
    checkInteger('memory.kernelTCP', kernelTCP, 0, Number.MAX_SAFE_INTEGER, 'bytes')
}

function bytes(value: number | 'max' | undefined, unlimited: string): string | undefined {
  return value === undefined ? undefined : value === 'max' ? unlimited : String(value)
}

function settings(
  lines: readonly (readonly [file: string, value: string | undefined, optional?: boolean])[],
): Setting[] {
  return lines.flatMap(([file, value, optional = false]) =>
    value === undefined
      ? []
      : [{ controller: 'memory', file, value, ...(optional && { otherwise: 'skip' as const }) }],
  )
}

function onlyOnV1(what: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_UNSUPPORTED',
    `cannot use ${what}: the memory controller has it on v1 only, here it is on v2`,
  )
}

function onlyOnV2(what: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_UNSUPPORTED',
    `cannot use ${what}: the memory controller has it on v2 only, here it is on v1`,
  )
}
