import type {
  LinuxSeccomp,
  LinuxSeccompArg,
  LinuxSeccompSyscall,
  SeccompAction,
} from '../../src/seccomp/profile.js'
import { syscallNumbers } from '../../src/seccomp/syscall-numbers.js'

/** Numbers from 0 to below `limit`, the same ones for the same seed (mulberry32). */
export function randomSource(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** 64-bit values around which comparisons go wrong. */
export const edgeValues = [
  0n,
  1n,
  2n,
  7n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_fffen,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0x1_0000_0007n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_0000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
] as const

const everyOperator = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const
const actions = ['ALLOW', 'ERRNO', 'TRAP', 'LOG', 'TRACE', 'KILL_PROCESS', 'KILL_THREAD', 'NOTIFY'] as const

export interface RandomProfileOptions {
  readonly random: (limit: number) => number
  readonly architectures: NonNullable<LinuxSeccomp['architectures']>
  /** All rules of a profile have one action. Default: each its own. */
  readonly oneAction?: boolean
  /** No call is in two rules, and no argument in two conditions of a rule. */
  readonly distinct?: boolean
  /** Operators of conditions, default every one. */
  readonly operators?: readonly (typeof everyOperator)[number][]
  /** Names to draw from. */
  readonly names?: readonly string[]
}

/** A profile with up to 40 rules, half of them with conditions at {@link edgeValues}. */
export function randomProfile({
  random,
  architectures,
  oneAction = false,
  distinct = false,
  operators = everyOperator,
  names = Object.keys(syscallNumbers),
}: RandomProfileOptions): LinuxSeccomp {
  const pick = <T>(from: readonly T[]) => from[random(from.length)]!
  const action = () => `SCMP_ACT_${pick(actions)}` as SeccompAction
  const defaultAction = `SCMP_ACT_${pick(['ALLOW', 'ERRNO', 'KILL_PROCESS', 'TRAP'] as const)}` as const
  let only = action()
  while (only === defaultAction) only = action()

  const args = (): LinuxSeccompArg[] => {
    const list = Array.from({ length: 1 + random(3) }, () => ({
      index: random(6),
      op: `SCMP_CMP_${pick(operators)}` as const,
      value: pick(edgeValues),
      valueTwo: pick(edgeValues),
    }))
    return distinct
      ? list.filter(({ index }, at) => list.findIndex((one) => one.index === index) === at)
      : list
  }
  const used = new Set<string>()
  const few = Array.from({ length: 6 }, () => pick(names))
  const calls = () => {
    const list = random(3) === 0 ? [pick(few)] : Array.from({ length: 1 + random(12) }, () => pick(names))
    return distinct ? list.filter((name) => !used.has(name) && used.add(name)) : list
  }
  const rule = (): LinuxSeccompSyscall => {
    const chosen = oneAction ? only : action()
    return {
      names: calls(),
      action: chosen,
      ...(chosen === 'SCMP_ACT_ERRNO' && !oneAction ? { errnoRet: random(4096) } : {}),
      ...(random(2) === 0 ? { args: args() } : {}),
    }
  }
  return { defaultAction, architectures, syscalls: Array.from({ length: random(40) }, rule) }
}
