import type { ConfigBlockIo, ConfigMemory, ConfigResources } from '../config/config-resources.js'

/** What an update comes to. */
export interface ResourcesUpdate {
  /** What is written now. */
  readonly applied: ConfigResources
  /** What the container has from now on: its record for later updates. */
  readonly kept: ConfigResources
}

/**
 * Works out an update of limits. What it does not give stays; device rules cannot be changed. Pure.
 *
 * Limits of memory, and of memory and swap, are one thing: when one changes, the other is written again as it was asked
 * for, since v2 counts swap alone and has to be told a new difference. Taking the limit of memory away takes away that
 * of swap.
 *
 * @param known - What the container has.
 * @param change - What shall change.
 */
export function updateOf(known: ConfigResources, change: ConfigResources): ResourcesUpdate {
  const { devices: _, ...given } = change
  const memory = given.memory && changedMemory(known.memory ?? {}, given.memory)
  return {
    applied: { ...given, memory: memory && appliedMemory(memory, given.memory ?? {}) },
    kept: {
      ...known,
      ...given,
      memory: memory ?? known.memory,
      cpu: changedCpu(known.cpu, given.cpu),
      pids: { ...known.pids, ...defined(given.pids) },
      blockIO: changedBlockIo(known.blockIO, given.blockIO),
      hugepageLimits: upsert(known.hugepageLimits, given.hugepageLimits, ({ pageSize }) => pageSize),
      network: { ...known.network, ...defined(given.network) },
      rdma: { ...known.rdma, ...given.rdma },
      unified: { ...known.unified, ...given.unified },
    },
  }
}

function changedMemory(known: ConfigMemory, change: ConfigMemory): ConfigMemory {
  const unlimited = change.limit !== undefined && change.limit < 0 && !change.swap
  return { ...known, ...defined(change), ...(unlimited && { swap: -1 }) }
}

function appliedMemory(merged: ConfigMemory, change: ConfigMemory): ConfigMemory {
  const both = change.limit || change.swap ? { limit: merged.limit, swap: merged.swap } : {}
  return { ...change, ...both }
}

/** An idle group has no shares: those that it had before are forgotten, as the kernel does. */
function changedCpu(known: ConfigResources['cpu'], change: ConfigResources['cpu']): ConfigResources['cpu'] {
  if (!change) return known
  const merged = { ...known, ...defined(change) }
  return change.idle !== undefined && change.shares === undefined ? { ...merged, shares: undefined } : merged
}

function changedBlockIo(known: ConfigBlockIo = {}, change: ConfigBlockIo = {}): ConfigBlockIo {
  const device = ({ major, minor }: { readonly major: number; readonly minor: number }) => `${major}:${minor}`
  return {
    weight: change.weight || known.weight,
    leafWeight: change.leafWeight || known.leafWeight,
    weightDevice: upsert(known.weightDevice, change.weightDevice, device),
    throttleReadBpsDevice: upsert(known.throttleReadBpsDevice, change.throttleReadBpsDevice, device),
    throttleWriteBpsDevice: upsert(known.throttleWriteBpsDevice, change.throttleWriteBpsDevice, device),
    throttleReadIOPSDevice: upsert(known.throttleReadIOPSDevice, change.throttleReadIOPSDevice, device),
    throttleWriteIOPSDevice: upsert(known.throttleWriteIOPSDevice, change.throttleWriteIOPSDevice, device),
  }
}

/** Entries of both lists by their keys; a later one replaces what it gives of an earlier one. */
function upsert<T extends object>(
  known: readonly T[] = [],
  change: readonly T[] = [],
  keyOf: (entry: T) => string,
): readonly T[] {
  const found = new Map<string, T>()
  for (const entry of [...known, ...change])
    found.set(keyOf(entry), { ...found.get(keyOf(entry)), ...defined(entry) } as T)
  return [...found.values()]
}

/** Without the fields that are not given, so that they do not cover those of another object. */
function defined<T extends object>(value: T | undefined): Partial<T> {
  return Object.fromEntries(
    Object.entries(value ?? {}).filter(([, field]) => field !== undefined),
  ) as Partial<T>
}
