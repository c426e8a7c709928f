import { CgroupError } from '../errors.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { checkInteger } from './check.js'
import { planCpu, planCpuset } from './plan-cpu.js'
import { planDevices } from './plan-devices.js'
import { planMemory } from './plan-memory.js'
import type { PidsResources, Resources } from './resources.js'
import type { Setting } from './setting.js'

/** `PID_MAX_LIMIT` of 64-bit kernels. */
const MAX_PIDS = 4_194_304

/** Says which version of the interface a controller has. */
export type VersionOf = (controller: string) => 1 | 2

/**
 * Works out what would be written for `resources`, as data, in the order that a new group needs. Pure: all
 * arguments are checked here, nothing is touched.
 *
 * @param resources - What the group may use.
 * @param version - 1 or 2; on a hybrid host a function that answers a controller's name.
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_INVALID_ARG`: a value is outside its documented range.
 *   - `ERR_CGROUP_UNSUPPORTED`: this version of control groups has no such resource.
 *
 * @example
 * planResources({ pids: { limit: 64 } }, 1) // [{ controller: 'pids', file: 'pids.max', value: '64' }]
 */
export function planResources(resources: Resources, version: 1 | 2 | VersionOf): Setting[] {
  const { memory, cpu, pids, devices } = resources
  const versionOf = typeof version === 'function' ? version : () => version
  return [
    ...(cpu ? planCpuset(cpu) : []),
    ...(cpu ? planCpu(cpu, versionOf('cpu')) : []),
    ...(memory ? planMemory(memory, versionOf('memory')) : []),
    ...(pids ? planPids(pids) : []),
    ...(devices && devices.length > 0 ? planDevices(devices, versionOf('devices')) : []),
  ]
}

/** {@link planResources} for a host; also says when a controller is missing. */
export function planFor(hierarchy: Hierarchy, resources: Resources): Setting[] {
  // `devices` is a controller of v1 only: where it is mounted nowhere, v2 is what the host has
  const plan = planResources(
    resources,
    (name) => hierarchy.controllers.get(name)?.version ?? (hierarchy.mode === 'v1' ? 1 : 2),
  )
  const missing = [...new Set(plan.map(({ controller }) => controller))].filter(
    (name) => !hierarchy.controllers.has(name),
  )
  if (missing.length === 0) return plan
  const here = [...hierarchy.controllers.keys()].join(', ') || 'none'
  throw new CgroupError(
    'ERR_CGROUP_NO_CONTROLLER',
    `cannot limit ${missing.join(', ')}: no such controller is mounted or delegated here (${here})`,
  )
}

function planPids({ limit }: PidsResources): Setting[] {
  if (limit === undefined) return []
  if (limit !== 'max') checkInteger('pids.limit', limit, 1, MAX_PIDS)
  return [{ controller: 'pids', file: 'pids.max', value: String(limit) }]
}
