import { blockDevice, type CreateContainerOptions, type SandboxOptions } from '@ctr/runtime'
import { badRequest } from '../errors.js'
import type { HostConfig } from '../http/schemas/create-container.js'

type Resources = NonNullable<SandboxOptions['resources']>

/** Limits that the runtime has options of its own for. */
export function limitsOf(host: HostConfig): Partial<CreateContainerOptions> {
  const { Memory, MemorySwap, NanoCpus, CpuShares, CpusetCpus, PidsLimit } = host
  const cpus = orUnset(NanoCpus)
  if (cpus !== undefined && (orUnset(host.CpuQuota) ?? orUnset(host.CpuPeriod)) !== undefined)
    throw badRequest(
      'invalid HostConfig.NanoCpus: conflicting options: it and CpuQuota or CpuPeriod cannot both be set',
    )
  return {
    memory: orUnset(Memory),
    memorySwap: MemorySwap === -1 ? undefined : orUnset(MemorySwap),
    cpus: cpus === undefined ? undefined : cpus / 1e9,
    cpuShares: orUnset(CpuShares),
    cpusetCpus: orUnset(CpusetCpus),
    pids: PidsLimit != null && PidsLimit > 0 ? PidsLimit : undefined,
  }
}

/** All other limits. */
export function furtherLimits(host: HostConfig): Resources {
  const { MemorySwappiness, CpuQuota } = host
  return pruned({
    memory: {
      reservation: orUnset(host.MemoryReservation),
      swappiness: MemorySwappiness == null || MemorySwappiness === -1 ? undefined : MemorySwappiness,
      disableOOMKiller: host.OomKillDisable === true ? true : undefined,
      kernelTCP: orUnset(host.KernelMemoryTCP),
    },
    cpu: {
      quota: CpuQuota != null && CpuQuota > 0 ? CpuQuota : undefined,
      period: orUnset(host.CpuPeriod),
      realtimeRuntime: orUnset(host.CpuRealtimeRuntime),
      realtimePeriod: orUnset(host.CpuRealtimePeriod),
      mems: orUnset(host.CpusetMems),
    },
    blockIO: {
      weight: orUnset(host.BlkioWeight),
      weightDevice: some(host.BlkioWeightDevice, ({ Path, Weight }) => ({
        ...blockDevice(Path),
        weight: Weight,
      })),
      throttleReadBpsDevice: some(host.BlkioDeviceReadBps, throttle),
      throttleWriteBpsDevice: some(host.BlkioDeviceWriteBps, throttle),
      throttleReadIOPSDevice: some(host.BlkioDeviceReadIOps, throttle),
      throttleWriteIOPSDevice: some(host.BlkioDeviceWriteIOps, throttle),
    },
  })
}

interface DeviceRate {
  readonly Path: string
  readonly Rate: number
}

const throttle = ({ Path, Rate }: DeviceRate) => ({ ...blockDevice(Path), rate: Rate })

function some<T, U>(list: readonly T[] | null | undefined, map: (item: T) => U): readonly U[] | undefined {
  return list == null || list.length === 0 ? undefined : list.map(map)
}

/** Groups of limits of which none is set are left out: they ask for a controller. */
function pruned(resources: Resources): Resources {
  const isSet = (group: object | undefined): boolean =>
    Object.values(group ?? {}).some((value) => value !== undefined)
  return Object.fromEntries(
    Object.entries(resources).filter(([, group]) => isSet(group as object | undefined)),
  )
}

function orUnset<T extends string | number>(value: T | null | undefined): T | undefined {
  return value === null || value === '' || value === 0 ? undefined : value
}
