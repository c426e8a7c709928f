import type { ContainerLimits } from '@ctr/runtime'
import { set } from './set.js'

/** Limits of a container, as members of `HostConfig` and of the body of `POST /containers/{id}/update`. */
export function limitsBody(limits: ContainerLimits): Record<string, unknown> {
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pids, resources = {} } = limits
  return set({
    Memory: memory,
    MemorySwap: memorySwap === 'max' ? -1 : memorySwap,
    MemoryReservation: resources.memory?.reservation,
    MemorySwappiness: resources.memory?.swappiness,
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    CpuShares: cpuShares,
    CpuQuota: resources.cpu?.quota,
    CpuPeriod: resources.cpu?.period,
    CpuRealtimePeriod: resources.cpu?.realtimePeriod,
    CpuRealtimeRuntime: resources.cpu?.realtimeRuntime,
    CpusetCpus: cpusetCpus,
    CpusetMems: resources.cpu?.mems,
    BlkioWeight: resources.blockIO?.weight,
    PidsLimit: pids === 'max' ? -1 : pids,
  })
}
