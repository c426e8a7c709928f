import type { LinuxSeccomp, LinuxSeccompArg, LinuxSeccompSyscall } from '../../src/seccomp/profile.js'
import { syscallNumbers } from '../../src/seccomp/syscall-numbers.js'
import type { SeccompData } from './bpf-interpreter.js'

/** The ABIs that filters are tested with: `bit` is part of each number, 32-bit ones compare low words. */
export const testAbis = {
  SCMP_ARCH_X86_64: { machine: 'x64', arch: 0xc000003e, column: 0, bit: 0, width: 64n },
  SCMP_ARCH_X86: { machine: 'x64', arch: 0x40000003, column: 1, bit: 0, width: 32n },
  SCMP_ARCH_X32: { machine: 'x64', arch: 0xc000003e, column: 2, bit: 0x40000000, width: 32n },
  SCMP_ARCH_AARCH64: { machine: 'arm64', arch: 0xc00000b7, column: 3, bit: 0, width: 64n },
  SCMP_ARCH_ARM: { machine: 'arm64', arch: 0x40000028, column: 4, bit: 0, width: 32n },
} as const

export type TestAbi = keyof typeof testAbis

const KILL_PROCESS = 0x80000000
const results: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL_PROCESS: KILL_PROCESS,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_TRAP: 0x30000,
  SCMP_ACT_ERRNO: 0x50000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
}

/** What a filter returns for an action. */
export function resultOf(action: string, errno: number | undefined): number {
  const value = results[action]!
  return value === 0x50000 || value === 0x7ff00000 ? value + (errno ?? 1) : value
}

/**
 * What a profile says of calls, read off rule by rule, the slow and obvious way. Where rules with different actions
 * overlap there are several answers. Rules on calls that 32-bit x86 multiplexes are not looked for behind
 * `socketcall` and `ipc`.
 */
export function profileEvaluator(
  profile: LinuxSeccomp,
  machine: 'x64' | 'arm64',
): (data: SeccompData) => ReadonlySet<number> {
  const otherwise = resultOf(profile.defaultAction, profile.defaultErrnoRet)
  const native = machine === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'
  const active = Object.entries(testAbis)
    .filter(
      ([name, abi]) =>
        abi.machine === machine && (name === native || profile.architectures?.includes(name as TestAbi)),
    )
    .map(([name, abi]) => {
      const bound = (profile.syscalls ?? []).map((rule) => ({
        result: resultOf(rule.action, rule.errnoRet),
        lists: alternatives(rule),
        numbers: new Set(rule.names.map((name) => numberIn(abi.column, name, abi.bit))),
      }))
      const regular = bound.flatMap(({ numbers }) =>
        [...numbers].filter((number) => number !== undefined && number - abi.bit < 0xf0000),
      ) as number[]
      return { name, ...abi, bound, newest: regular.length > 0 ? Math.max(...regular) : Infinity }
    })
  const withX32 = active.some(({ name }) => name === 'SCMP_ARCH_X32')

  return ({ number, arch, args }) => {
    const isX32 = arch === 0xc000003e && number >= 0x40000000 && (withX32 || number !== 0xffffffff)
    const abi = active.find((one) => one.arch === arch && (one.bit !== 0) === isX32)
    if (abi === undefined) return new Set([KILL_PROCESS])
    const rules = abi.bound.filter(({ numbers }) => numbers.has(number))
    const effective = rules.filter(({ result }) => result !== otherwise)
    const always = effective.find(({ lists }) =>
      lists.some((list) => list.every((arg) => isTautology(arg, abi.width))),
    )
    if (always !== undefined) return new Set([always.result])
    const matching = effective.filter(({ lists }) =>
      lists.some((list) => list.every((arg) => compare(arg, args[arg.index]!, abi.width))),
    )
    if (matching.length > 0) return new Set(matching.map(({ result }) => result))
    const isPermissive = otherwise >= 0x7ff00000 && otherwise < KILL_PROCESS
    return new Set([rules.length === 0 && number > abi.newest && !isPermissive ? 0x50000 + 38 : otherwise])
  }
}

function numberIn(column: number, name: string, bit: number): number | undefined {
  const number = Object.hasOwn(syscallNumbers, name) ? syscallNumbers[name]![column] : null
  return typeof number === 'number' ? number + bit : undefined
}

function alternatives({ args = [] }: LinuxSeccompSyscall): readonly (readonly LinuxSeccompArg[])[] {
  const repeats = new Set(args.map(({ index }) => index)).size !== args.length
  return repeats ? args.map((arg) => [arg]) : [args]
}

function isTautology({ op, value }: LinuxSeccompArg, width: bigint): boolean {
  return op === 'SCMP_CMP_MASKED_EQ' && BigInt.asUintN(Number(width), BigInt(value)) === 0n
}

function compare({ op, value, valueTwo = 0 }: LinuxSeccompArg, argument: bigint, width: bigint): boolean {
  const cut = (wide: number | bigint) => BigInt.asUintN(Number(width), BigInt(wide))
  const [a, b, c] = [cut(argument), cut(value), cut(valueTwo)]
  switch (op) {
    case 'SCMP_CMP_EQ':
      return a === b
    case 'SCMP_CMP_NE':
      return a !== b
    case 'SCMP_CMP_GT':
      return a > b
    case 'SCMP_CMP_GE':
      return a >= b
    case 'SCMP_CMP_LT':
      return a < b
    case 'SCMP_CMP_LE':
      return a <= b
    case 'SCMP_CMP_MASKED_EQ':
      return (a & b) === (c & b)
  }
}
