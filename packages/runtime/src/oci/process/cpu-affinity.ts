import { Struct, type Program } from '@ctr/linux'
import type { ConfigCpuAffinity } from '../config/config.js'
import { idBitmap, parseIdList } from './id-list.js'

/** CPUs that a kernel can be built for, at most. */
const MAX_CPUS = 8192

/** A list of CPUs as the number that `taskset` prints: `0-1,4` is `0x13`. */
export function cpuMask(list: string): string {
  const mask = cpusOf(list).reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n)
  return `0x${mask.toString(16)}`
}

/**
 * Stage 1 of a process that joins a running container, before it is in the container's cgroups: the CPUs that it may
 * use on its way, `execCPUAffinity.initial`.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html}
 */
export function setInitialAffinity(program: Program, { initial }: ConfigCpuAffinity): void {
  if (initial !== undefined && initial !== '') setAffinity(program, 'initial', initial)
}

/**
 * Stage 1, right after the process is in the container's cgroups: the CPUs of `execCPUAffinity.final`. Where the
 * config names none at all, every CPU that the cgroups allow, so that the process does not keep those of whoever
 * called the runtime; with only `initial`, these stay.
 */
export function setFinalAffinity(program: Program, affinity: ConfigCpuAffinity = {}): void {
  const { initial = '', final = '' } = affinity
  if (final !== '') setAffinity(program, 'final', final)
  else if (initial === '') resetAffinity(program)
}

function setAffinity(program: Program, which: string, list: string): void {
  const bitmap = idBitmap(cpusOf(list))
  program
    .step(`set the ${which} CPU affinity`)
    .call('sched_setaffinity', [0, bitmap.length, new Struct(bitmap, `[${list}]`)])
}

/** The kernel takes off what it does not have, and what the cpuset does not allow. Whatever is left is no failure. */
function resetAffinity(program: Program): void {
  const all = new Uint8Array(MAX_CPUS / 8).fill(0xff)
  program
    .step('allow all CPUs of the cgroup')
    .call('sched_setaffinity', [0, all.length, new Struct(all, '[all]')], { minimum: 'any' })
}

function cpusOf(list: string): readonly number[] {
  return parseIdList('CPU affinity', list, MAX_CPUS - 1)
}
