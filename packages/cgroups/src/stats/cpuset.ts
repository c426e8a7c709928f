import type { GroupFolder } from '../group/group.js'
import { parseCpuList } from '../plan/parse-cpu-list.js'
import { onceSource } from './source.js'

/** Where a group may run and have memory; see `Cgroup.cpuset`. Processors and memory nodes by number, ascending. */
export interface Cpuset {
  /** What was asked for; empty for everything that the group above has. */
  readonly cpus: readonly number[]
  /** What was asked for; empty for everything that the group above has. */
  readonly mems: readonly number[]
  /** What it comes to. */
  readonly effectiveCpus: readonly number[]
  /** What it comes to. */
  readonly effectiveMems: readonly number[]
  /** Switches of v1 by their names without `cpuset.`, as `cpu_exclusive`; `undefined` on v2. */
  readonly flags: Readonly<Record<string, number>> | undefined
}

/** Files of v1 that hold one number. */
const flagNames = [
  'cpu_exclusive',
  'mem_hardwall',
  'mem_exclusive',
  'memory_migrate',
  'memory_spread_page',
  'memory_spread_slab',
  'memory_pressure',
  'sched_load_balance',
  'sched_relax_domain_level',
]

/** Reads the group's cpuset. */
export function readCpuset(home: GroupFolder): Cpuset {
  const list = (...files: string[]): number[] => {
    for (const file of files) {
      const text = onceSource.read(home, file)
      if (text !== undefined) return parseCpuList(text, `${home.folder}/${file}`)
    }
    return []
  }
  const isV1 = home.mount.version === 1
  const flags = (isV1 ? flagNames : []).flatMap((name): [string, number][] => {
    const text = onceSource.read(home, `cpuset.${name}`)
    return text === undefined ? [] : [[name, Number(text)]]
  })
  return {
    cpus: list('cpuset.cpus'),
    mems: list('cpuset.mems'),
    effectiveCpus: list('cpuset.cpus.effective', 'cpuset.effective_cpus'),
    effectiveMems: list('cpuset.mems.effective', 'cpuset.effective_mems'),
    flags: isV1 ? Object.fromEntries(flags) : undefined,
  }
}
