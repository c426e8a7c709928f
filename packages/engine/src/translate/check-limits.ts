import { readFileSync } from 'node:fs'
import { badRequest } from '../errors.js'
import type { HostConfig } from '../http/schemas/create-container.js'

const leastMemory = 6 * 1024 * 1024

/**
 * Refuses limits that no start could set, in Docker's words and as early: when the container is made.
 *
 * @throws `ApiError` 400.
 */
export function checkLimits(host: HostConfig): void {
  const wrong = [memoryError, processorError, cpusetError].map((find) => find(host)).find(Boolean)
  if (wrong !== undefined) throw badRequest(wrong)
}

function memoryError(host: HostConfig): string | undefined {
  const [memory, swap, reservation] = [host.Memory ?? 0, host.MemorySwap ?? 0, host.MemoryReservation ?? 0]
  if (memory > 0 && memory < leastMemory) return 'Minimum memory limit allowed is 6MB'
  if (memory > 0 && swap > 0 && swap < memory)
    return 'Minimum memoryswap limit should be larger than memory limit, see usage'
  if (memory === 0 && swap > 0)
    return 'You should always set the Memory limit when using Memoryswap limit, see usage'
  if (reservation > 0 && reservation < leastMemory) return 'Minimum memory reservation allowed is 6MB'
  if (memory > 0 && reservation > memory)
    return 'Minimum memory limit can not be less than memory reservation limit, see usage'
  const score = host.OomScoreAdj ?? 0
  return score < -1000 || score > 1000
    ? `Invalid value ${score}, range for oom score adj is [-1000, 1000]`
    : undefined
}

function processorError(host: HostConfig): string | undefined {
  const [nanos, quota, period] = [host.NanoCpus ?? 0, host.CpuQuota ?? 0, host.CpuPeriod ?? 0]
  const most = online('cpu')?.size ?? Number.POSITIVE_INFINITY
  if (nanos < 0 || nanos > most * 1e9)
    return `range of CPUs is from 0.01 to ${most}.00, as there are only ${most} CPUs available`
  if (period !== 0 && (period < 1000 || period > 1_000_000))
    return 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'
  return quota > 0 && quota < 1000 ? 'CPU cfs quota can not be less than 1ms (i.e. 1000)' : undefined
}

function cpusetError({ CpusetCpus, CpusetMems }: HostConfig): string | undefined {
  for (const [kind, what, asked] of [
    ['cpu', 'CPUs', CpusetCpus],
    ['node', 'memory nodes', CpusetMems],
  ] as const) {
    const there = asked == null || asked === '' ? undefined : online(kind)
    if (there === undefined) continue
    const wanted = numbersOf(asked!)
    if (wanted === undefined)
      return `Invalid value ${asked} for cpuset ${kind === 'cpu' ? 'cpus' : 'mems'}: invalid format: ${asked}`
    if ([...wanted].some((number) => !there.has(number)))
      return `Requested ${what} are not available - requested ${asked}, available: ${textOf(kind)}`
  }
  return undefined
}

/** What the host has; undefined where the kernel does not say. */
function online(kind: 'cpu' | 'node'): ReadonlySet<number> | undefined {
  const text = textOf(kind)
  return text === undefined ? undefined : numbersOf(text)
}

function textOf(kind: 'cpu' | 'node'): string | undefined {
  try {
    return readFileSync(`/sys/devices/system/${kind}/online`, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** `0-3,7`; undefined for what is no such list. */
function numbersOf(list: string): ReadonlySet<number> | undefined {
  const numbers = new Set<number>()
  for (const part of list.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? []
    if (first === undefined || Number(last) < Number(first)) return undefined
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number)
  }
  return numbers
}
