import { cpuBandwidth, type Resources } from '@ctr/cgroups'
import type { Context } from '../context.js'
import type { RunOptions } from '../options.js'
import { defaultDeviceRules } from '../security/default-devices.js'

/** The limits of a container, in the terms of its cgroup. */
export function resourcesOf(context: Context, options: RunOptions): Resources {
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pids } = options
  return {
    ...(memory === undefined
      ? {}
      : { memory: { limit: memory, ...(memorySwap === undefined ? {} : { swap: memorySwap }) } }),
    cpu: { ...(cpus === undefined ? {} : cpuBandwidth(cpus)), shares: cpuShares, cpus: cpusetCpus },
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...(context.hasDeviceRules
      ? {
          devices: defaultDeviceRules.map((rule) => ({
            ...rule,
            type: rule.type ?? 'a',
            access: rule.access ?? 'rwm',
          })),
        }
      : {}),
  }
}
