import type { BlockIoResources, CpuResources, Hierarchy, MemoryResources, Resources } from '@ctr/cgroups'
import type {
  ConfigBlockIo,
  ConfigCpu,
  ConfigMemory,
  ConfigResources,
  ConfigThrottleDevice,
} from '../config/config-resources.js'
import { invalidConfig } from '../config/invalid-config.js'
import { countOf, largeAs, limitOf } from './amounts.js'
import { deviceRulesOf } from './device-rules.js'

/** What of a config is not taken over. */
export interface ResourcesOptions {
  /** `false`: without device rules, as in an update, and in a user namespace, where nobody may set them. */
  readonly devices?: boolean | undefined
}

/**
 * Says limits of a config in the words of `@ctr/cgroups`: -1 is no limit, and 0 is not given where runtimes have always
 * read it so. What only v1 has and v2 has nothing like (swappiness, the OOM killer's switch, TCP buffers, leaf weights)
 * is passed over on v2; `kernel` and `useHierarchy` are passed over always, as kernels have neither any more.
 *
 * @param config - `linux.resources`.
 * @param hierarchy - The host's cgroups.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: a value that means nothing.
 */
export function resourcesOf(
  config: ConfigResources = {},
  hierarchy: Hierarchy,
  { devices = true }: ResourcesOptions = {},
): Resources {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = config
  const onV2 = (...controllers: string[]) =>
    hierarchy.mode === 'v2' || controllers.some((name) => hierarchy.controllers.get(name)?.version === 2)
  return {
    memory: memory && memoryOf(memory, onV2('memory')),
    cpu: cpu && cpuOf(cpu, onV2('cpu')),
    pids: pids && { limit: pidsLimit(pids.limit) },
    blockIO: blockIO && blockIoOf(blockIO, onV2('io')),
    hugepageLimits: hugepageLimits?.map(({ pageSize, limit }) => ({ pageSize, limit: largeAs(limit) })),
    network: network && { classID: countOf(network.classID), priorities: network.priorities },
    rdma,
    devices: devices ? deviceRulesOf(config.devices) : undefined,
    unified,
  }
}

function memoryOf(memory: ConfigMemory, onV2: boolean): MemoryResources {
  const limit = limitOf(memory.limit, 'memory.limit')
  const common = {
    limit,
    // no limit of memory would be none at all below one of memory and swap
    swap: limitOf(memory.swap, 'memory.swap') ?? (limit === 'max' ? 'max' : undefined),
    reservation: limitOf(memory.reservation, 'memory.reservation'),
    checkBeforeUpdate: memory.checkBeforeUpdate,
  }
  if (onV2) return common
  return {
    ...common,
    swappiness:
      memory.swappiness === undefined || memory.swappiness < 0 ? undefined : Number(memory.swappiness),
    disableOOMKiller: memory.disableOOMKiller === true ? true : undefined,
    kernelTCP: limitOf(memory.kernelTCP, 'memory.kernelTCP'),
  }
}

function cpuOf(cpu: ConfigCpu, onV2: boolean): CpuResources {
  const shares = countOf(cpu.shares)
  const quota = countOf(cpu.quota)
  return {
    // v2 has weights, of which the nearest is taken; v1 would silently take others than those asked for
    shares: shares === undefined || !onV2 ? shares : Math.min(262_144, Math.max(2, shares)),
    quota: quota === undefined || quota > 0 ? quota : 'max',
    period: countOf(cpu.period),
    burst: cpu.burst === undefined ? undefined : Number(cpu.burst),
    realtimeRuntime: countOf(cpu.realtimeRuntime),
    realtimePeriod: countOf(cpu.realtimePeriod),
    idle: idleOf(cpu.idle),
    cpus: cpu.cpus === '' ? undefined : cpu.cpus,
    mems: cpu.mems === '' ? undefined : cpu.mems,
  }
}

function idleOf(idle: ConfigCpu['idle']): boolean | undefined {
  if (idle === undefined) return undefined
  if (Number(idle) !== 0 && Number(idle) !== 1)
    throw invalidConfig(`resources.cpu.idle must be 0 or 1, got ${idle}`)
  return Number(idle) === 1
}

function pidsLimit(limit: number | bigint | undefined): number | 'max' | undefined {
  const count = countOf(limit)
  return count === undefined || count > 0 ? count : 'max'
}

function blockIoOf(blockIO: ConfigBlockIo, onV2: boolean): BlockIoResources {
  const leaf = (weight: number | undefined) => (onV2 ? undefined : countOf(weight))
  return {
    weight: countOf(blockIO.weight),
    leafWeight: leaf(blockIO.leafWeight),
    weightDevice: blockIO.weightDevice?.map(({ major, minor, weight, leafWeight }) => ({
      major,
      minor,
      weight: countOf(weight),
      leafWeight: leaf(leafWeight),
    })),
    throttleReadBpsDevice: ratesOf(blockIO.throttleReadBpsDevice),
    throttleWriteBpsDevice: ratesOf(blockIO.throttleWriteBpsDevice),
    throttleReadIOPSDevice: ratesOf(blockIO.throttleReadIOPSDevice),
    throttleWriteIOPSDevice: ratesOf(blockIO.throttleWriteIOPSDevice),
  }
}

/** A rate of 0 takes the limit away, as it does in the kernel's files of v1. */
function ratesOf(
  devices: readonly ConfigThrottleDevice[] | undefined,
): BlockIoResources['throttleReadBpsDevice'] {
  return devices?.map(({ major, minor, rate }) => ({
    major,
    minor,
    rate: Number(rate) === 0 ? 'max' : largeAs(rate),
  }))
}
