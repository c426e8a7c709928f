import { cpuBandwidth, type Resources } from '@ctr/cgroups'
import type { Context } from '../context.js'
import type { RunOptions } from '../options.js'
import { findDevices } from '../sandbox/host-devices.js'
import { defaultDeviceRules } from '../security/default-devices.js'
import type { ContainerLimits } from './container-limits.js'

/** The limits of a container, in the terms of its cgroup. */
export function resourcesOf(
  context: Context,
  options: Omit<RunOptions, keyof ContainerLimits> & ContainerLimits,
): Resources {
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pids, resources = {} } = options
  const limits = {
    ...(memory === undefined ? {} : { limit: memory }),
    ...(memorySwap === undefined || (memory === undefined && memorySwap !== 'max')
      ? {}
      : { swap: memorySwap }),
    ...resources.memory,
  }
  return {
    ...resources,
    ...(Object.keys(limits).length === 0 ? {} : { memory: limits }),
    cpu: {
      ...(cpus === undefined ? {} : cpuBandwidth(cpus)),
      ...{ shares: cpuShares, cpus: cpusetCpus },
      ...resources.cpu,
    },
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...(context.hasDeviceRules
      ? {
          devices: [
            ...defaultDeviceRules.map((rule) => ({
              ...rule,
              type: rule.type ?? ('a' as const),
              access: rule.access ?? 'rwm',
            })),
            ...findDevices(options).rules,
          ],
        }
      : {}),
  }
}
