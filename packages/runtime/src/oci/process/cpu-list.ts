import type { CpuAffinity } from '@ctr/namespaces'
import type { ConfigCpuAffinity } from '../config/config.js'
import { parseIdList } from './id-list.js'

/** CPUs that a kernel can be built for, at most. */
const MAX_CPUS = 8192

/** A list of CPUs as the number that `taskset` prints: `0-1,4` is `0x13`. */
export function cpuMask(list: string): string {
  const mask = cpusOf(list).reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n)
  return `0x${mask.toString(16)}`
}

/**
 * CPUs of a process on its way and in its cgroups. Where the config names none at all, every CPU that the cgroups
 * allow, so that the process does not keep those of whoever called the runtime; with only `initial`, these stay.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: not such lists.
 */
export function affinityOf({ initial = '', final = '' }: ConfigCpuAffinity = {}): CpuAffinity {
  if (initial === '' && final === '') return { final: 'all' }
  return {
    ...(initial === '' ? {} : { initial: cpusOf(initial) }),
    ...(final === '' ? {} : { final: cpusOf(final) }),
  }
}

function cpusOf(list: string): readonly number[] {
  return parseIdList('CPU affinity', list, MAX_CPUS - 1)
}
