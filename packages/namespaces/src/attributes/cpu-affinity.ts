import { Struct, type Program } from '@ctr/linux'
import { bitmapOf } from './bitmap.js'

/** CPUs that a process may use, by number; see sched_setaffinity(2). Those that there are not are left out. */
export interface CpuAffinity {
  /** On its way, before it is in its cgroups. */
  readonly initial?: readonly number[] | undefined
  /** From then on. `'all'` stands for every CPU that its cgroups allow, and not only those of this process. */
  readonly final?: readonly number[] | 'all' | undefined
}

/** CPUs that a kernel can be built for, at most. */
const MAX_CPUS = 8192

/** Adds the change, by name of the stage. */
export function setAffinity(
  program: Program,
  stage: keyof CpuAffinity,
  cpus: readonly number[] | 'all',
): void {
  if (cpus === 'all') {
    const all = new Uint8Array(MAX_CPUS / 8).fill(0xff)
    // the kernel takes off what it does not have, and what the cpuset does not allow; whatever is left is no failure
    program
      .step('allow all CPUs of the cgroup')
      .call('sched_setaffinity', [0, all.length, new Struct(all, '[all]')], { minimum: 'any' })
    return
  }
  const bitmap = bitmapOf(cpus)
  program
    .step(`set the ${stage} CPU affinity`)
    .call('sched_setaffinity', [0, bitmap.length, new Struct(bitmap, `[${cpus.join(', ')}]`)])
}
