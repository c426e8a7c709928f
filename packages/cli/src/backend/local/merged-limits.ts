import type { ContainerLimits, ContainerRecord } from '@ctr/runtime'

type Resources = NonNullable<ContainerLimits['resources']>

/** All limits of a container once some have changed: those that it had, and these. */
export function mergedLimits(
  { options, limits: kept }: ContainerRecord,
  changed: ContainerLimits,
): ContainerLimits {
  const had: ContainerLimits = options ?? {
    memory: kept.memory ?? undefined,
    cpus: kept.cpus ?? undefined,
    pids: kept.pids ?? undefined,
  }
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pids } = { ...had, ...changed }
  const resources = mergedResources(had.resources, changed.resources)
  return {
    ...{ memory, memorySwap, cpus, cpuShares, cpusetCpus, pids },
    ...(resources === undefined ? {} : { resources }),
  }
}

function mergedResources(had: Resources = {}, changed: Resources = {}): Resources | undefined {
  const merged: Resources = { ...had, ...changed }
  const groups = (['memory', 'cpu', 'blockIO'] as const)
    .filter((name) => merged[name] !== undefined)
    .map((name) => [name, { ...had[name], ...changed[name] }] as const)
  const all: Resources = { ...merged, ...Object.fromEntries(groups) }
  return Object.keys(all).length === 0 ? undefined : all
}
