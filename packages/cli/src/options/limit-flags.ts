import type { Command } from 'commander'
import type { ContainerLimits, RunOptions } from '@ctr/runtime'
import { parseAmount, parseInteger } from './parse-number.js'
import { parseSize } from './parse-size.js'

/** The flags of `run`, `create` and `update` that limit what a container uses, as they were typed. */
export interface LimitFlags {
  readonly blkioWeight?: string
  readonly cpuPeriod?: string
  readonly cpuQuota?: string
  readonly cpuRtPeriod?: string
  readonly cpuRtRuntime?: string
  readonly cpuShares?: string
  readonly cpus?: string
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly memory?: string
  readonly memoryReservation?: string
  readonly memorySwap?: string
  /** Not of `update`. */
  readonly memorySwappiness?: string
  readonly pidsLimit?: string
}

/** Adds these flags to a command. */
export function addLimitFlags(command: Command): Command {
  return command
    .option('--blkio-weight <int>', 'Block IO (relative weight), between 10 and 1000')
    .option('--cpu-period <int>', 'Limit CPU CFS (Completely Fair Scheduler) period, in microseconds')
    .option('--cpu-quota <int>', 'Limit CPU CFS (Completely Fair Scheduler) quota, in microseconds')
    .option('--cpu-rt-period <int>', 'Limit CPU real-time period, in microseconds (cgroup v1)')
    .option('--cpu-rt-runtime <int>', 'Limit CPU real-time runtime, in microseconds (cgroup v1)')
    .option('-c, --cpu-shares <int>', 'CPU shares (relative weight)')
    .option('--cpus <decimal>', 'Number of CPUs')
    .option('--cpuset-cpus <string>', 'CPUs in which to allow execution (0-3, 0,1)')
    .option('--cpuset-mems <string>', 'MEMs in which to allow execution (0-3, 0,1)')
    .option('-m, --memory <bytes>', 'Memory limit')
    .option('--memory-reservation <bytes>', 'Memory soft limit')
    .option('--memory-swap <bytes>', 'Memory and swap together: -1 for as much swap as the host gives')
    .option('--pids-limit <int>', 'Tune container pids limit (set -1 for unlimited)')
}

/** Reads them. What is not given is left out; 0, and -1 where it is allowed, stand for no limit. */
export function limitOptions(flags: LimitFlags): Pick<RunOptions, keyof ContainerLimits> {
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pidsLimit } = flags
  const limits = {
    memory: positive(sizeOf(memory, '-m, --memory')),
    memorySwap: memorySwap === '-1' ? undefined : positive(sizeOf(memorySwap, '--memory-swap')),
    cpus: positive(cpus === undefined ? undefined : parseAmount(cpus, '--cpus')),
    cpuShares: positive(integer(cpuShares, '-c, --cpu-shares')),
    cpusetCpus,
    pids: positive(integer(pidsLimit, '--pids-limit')),
    resources: resourcesOf(flags),
  }
  return given(limits)
}

/** Limits that are to change: no limit is one of them then. */
export function changedLimits(flags: LimitFlags): ContainerLimits {
  return {
    ...limitOptions(flags),
    ...(flags.pidsLimit === '-1' ? { pids: 'max' } : {}),
    ...(flags.memorySwap === '-1' ? { memorySwap: 'max' } : {}),
  }
}

/** Groups of which nothing is said are left out: they ask for a controller. */
function resourcesOf(flags: LimitFlags): RunOptions['resources'] {
  const memory = {
    reservation: positive(sizeOf(flags.memoryReservation, '--memory-reservation')),
    swappiness: integer(flags.memorySwappiness, '--memory-swappiness'),
  }
  const cpu = {
    quota: positive(integer(flags.cpuQuota, '--cpu-quota')),
    period: positive(integer(flags.cpuPeriod, '--cpu-period')),
    realtimePeriod: positive(integer(flags.cpuRtPeriod, '--cpu-rt-period')),
    realtimeRuntime: positive(integer(flags.cpuRtRuntime, '--cpu-rt-runtime')),
    mems: flags.cpusetMems,
  }
  const blockIO = { weight: positive(integer(flags.blkioWeight, '--blkio-weight')) }
  const groups = Object.entries({ memory, cpu, blockIO })
    .map(([name, group]) => [name, given(group)] as const)
    .filter(([, group]) => Object.keys(group).length > 0)
  return groups.length === 0 ? undefined : Object.fromEntries(groups)
}

function given<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T
}

function sizeOf(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : parseSize(text, option)
}

function integer(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : parseInteger(text, option)
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined
}
