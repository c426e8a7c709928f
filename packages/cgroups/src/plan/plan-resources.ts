import { CgroupError } from '../errors.js'
import type { Hierarchy } from '../host/hierarchy.js'
import { checkInteger } from './check.js'
import { planBlockIo } from './plan-block-io.js'
import { planCpu, planCpuset } from './plan-cpu.js'
import { planDevices } from './plan-devices.js'
import { MIN_MEMORY_LIMIT, planMemory, type PlanOptions } from './plan-memory.js'
import { planHugepages, planMisc, planNetwork, planRdma, planUnified } from './plan-others.js'
import type { PidsResources, Resources } from './resources.js'
import type { Setting } from './setting.js'

/** `PID_MAX_LIMIT` of 64-bit kernels. */
const MAX_PIDS = 4_194_304

/** Says which version of the interface a controller has. */
export type VersionOf = (controller: string) => 1 | 2

const forNew: PlanOptions = { smallestMemory: MIN_MEMORY_LIMIT, update: false }

/**
 * Works out what would be written for `resources`, as data, in the order that a new group needs. Pure: all
 * arguments are checked here, nothing is touched. Device rules of v2 are no file: {@link deviceProgram} gives them.
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
  return plan(resources, typeof version === 'function' ? version : () => version, forNew)
}

function plan(resources: Resources, versionOf: VersionOf, options: PlanOptions): Setting[] {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, misc, devices, unified } = resources
  return [
    ...(cpu ? planCpuset(cpu) : []),
    ...(cpu ? planCpu(cpu, versionOf('cpu')) : []),
    ...(memory ? planMemory(memory, versionOf('memory'), options) : []),
    ...(pids ? planPids(pids) : []),
    ...(blockIO ? planBlockIo(blockIO, versionOf('blkio')) : []),
    ...(hugepageLimits ? planHugepages(hugepageLimits, versionOf('hugetlb')) : []),
    ...(network ? planNetwork(network) : []),
    ...(rdma ? planRdma(rdma) : []),
    ...(misc ? planMisc(misc) : []),
    ...(devices && devices.length > 0 && versionOf('devices') === 1 ? planDevices(devices) : []),
    ...(unified ? planUnified(unified, versionOf('unified')) : []),
  ]
}

/** Says for a host which version a controller has; of one that is mounted nowhere, the version of the host. */
export function versionsOf({ controllers, mode }: Hierarchy): VersionOf {
  return (name) => {
    if (name === 'unified') return mode === 'v2' || allOnV2(controllers) ? 2 : 1
    return (
      controllers.get(name)?.version ??
      (name === 'blkio' && controllers.has('io') ? 2 : mode === 'v2' ? 2 : 1)
    )
  }
}

/** {@link planResources} for a host; also says when a controller is missing. */
export function planFor(
  hierarchy: Hierarchy,
  resources: Resources,
  options: Partial<PlanOptions> = {},
): Setting[] {
  const planned = plan(resources, versionsOf(hierarchy), { ...forNew, ...options })
  const has = ({ controller }: Setting) => hierarchy.controllers.has(controller) || controller === 'cgroup'
  const lacking = planned.filter((setting) => !has(setting))
  if (lacking.length === 0) return planned
  const here = [...hierarchy.controllers.keys()].join(', ') || 'none'
  const unknown = lacking.find(({ file }) => Object.hasOwn(resources.unified ?? {}, file))
  if (unknown)
    throw new CgroupError(
      'ERR_CGROUP_NO_CONTROLLER',
      `cannot write unified.${unknown.file}: the requested cgroup controller \`${unknown.controller}\` is not available (${here})`,
    )
  const missing = [...new Set(lacking.map(({ controller }) => controller))]
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

function allOnV2(controllers: Hierarchy['controllers']): boolean {
  return controllers.size > 0 && [...controllers.values()].every(({ version }) => version === 2)
}
