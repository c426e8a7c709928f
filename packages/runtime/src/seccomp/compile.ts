import type { Architecture } from '@ctr/linux'
import { type Abi, machineAbis, numberIn } from './abi.js'
import { actionValue, invalid, KILL_PROCESS } from './action.js'
import { Assembler, encode, JUMP_EQUAL, LOAD_WORD } from './assembler.js'
import { type CheckedRule, checkRules, decide } from './decision.js'
import { decisionEmitter, emitSearch } from './emit.js'
import type { LinuxSeccomp, SeccompArchitecture, SeccompFlag } from './profile.js'
import { type AbiDecisions, segments } from './segments.js'

/** A profile as seccomp(2) takes it. */
export interface SeccompFilter {
  /** The filter: an array of `struct sock_filter`, 8 bytes each. */
  readonly program: Uint8Array
  /** Number of instructions in `program`, the `len` of `struct sock_fprog`; at most 4096. */
  readonly instructions: number
  /** Flags for `seccomp(SECCOMP_SET_MODE_FILTER, flags, …)`. */
  readonly flags: number
  /** True when some call is reported to a listener: seccomp(2) then returns the listener's descriptor. */
  readonly notifies: boolean
  /** Names in the profile that no ABI of the filter has. They were left out. */
  readonly unknownNames: readonly string[]
}

/** Options of {@link compileSeccomp}. */
export interface CompileSeccompOptions {
  /** Machine that the filter is for, named as `process.arch` names it. */
  readonly architecture: Architecture
}

const DATA_NUMBER = 0
const DATA_ARCH = 4
const FLAG_NEW_LISTENER = 8
const FLAG_WAIT_KILLABLE = 32

/**
 * Compiles a seccomp profile into a filter for seccomp(2).
 *
 * The filter first looks at the ABI of the call and then searches the number in a balanced tree whose leaves are
 * ranges of numbers, so that a call costs about ten instructions, and none where the kernel remembers that the call
 * is always allowed (Linux 5.11 and later). Arguments are read only for calls with conditions.
 *
 * Rules of one call: one without conditions decides alone, the first listed if there are several. Otherwise the
 * call gets the action of a rule whose conditions all hold; where rules with different actions overlap, the
 * conditions on later arguments are tried first, equality before ranges, narrow ranges before wide ones, as
 * libseccomp does. Several conditions on the same argument in one rule are alternatives, as in runc.
 *
 * Beyond the rules:
 * - A call of an ABI that is not in `architectures` kills the process, where runc kills the thread. The machine's own
 *   ABI is always in; those of other machines change nothing.
 * - Of two rules that contradict each other on the same call and conditions the first listed decides.
 * - A call newer than every call that the profile names returns ENOSYS instead of the default action, unless that
 *   allows, logs or traces, as in runc. Programs then fall back to older calls instead of reporting EPERM.
 * - On 32-bit x86 a rule for a socket or SysV IPC call also holds when it is made through socketcall(2) or ipc(2).
 *   Conditions cannot be tested there: such a rule is left out when it allows more than the default action, and
 *   holds for all arguments when it allows less.
 * - 32-bit ABIs and x32 compare the low 32 bits of an argument and of the value, as libseccomp does.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: the profile has an unknown action, operator, ABI or flag, a
 *   number out of range, or needs more than 4096 instructions (or has more than 8192 rules with conditions).
 * @see {@link https://man7.org/linux/man-pages/man2/seccomp.2.html}
 *
 * @example Everything but reboot(2)
 * const { program } = compileSeccomp(
 *   { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['reboot'], action: 'SCMP_ACT_ERRNO' }] },
 *   { architecture: 'x64' },
 * )
 */
export function compileSeccomp(
  profile: LinuxSeccomp,
  { architecture }: CompileSeccompOptions,
): SeccompFilter {
  const otherwise = actionValue(profile.defaultAction, profile.defaultErrnoRet, 'defaultAction')
  const rules = checkRules(profile)
  const abis = filteredAbis(profile.architectures ?? [], architecture)
  const decided = abis.map((abi) => ({ abi, otherwise, ...decide(rules, otherwise, abi) }))

  const assembler = new Assembler()
  const leaf = decisionEmitter(assembler)
  const sections = byArch(decided).map((group) => {
    assembler.continueAt(emitSearch(assembler, segments(group.members), leaf))
    return { arch: group.arch, start: assembler.emit(LOAD_WORD, DATA_NUMBER) }
  })
  sections.reduce(
    (next, { arch, start }) => assembler.branch(JUMP_EQUAL, arch, start, next),
    assembler.return(KILL_PROCESS),
  )
  assembler.emit(LOAD_WORD, DATA_ARCH)

  const program = encode(assembler.finish())
  const notifies = [profile.defaultAction, ...(profile.syscalls ?? []).map(({ action }) => action)].includes(
    'SCMP_ACT_NOTIFY',
  )
  return {
    program,
    instructions: program.length / 8,
    flags: filterFlags(profile.flags, notifies),
    notifies,
    unknownNames: unknownNames(rules, abis),
  }
}

function unknownNames(rules: readonly CheckedRule[], abis: readonly Abi[]): readonly string[] {
  const unknown = rules.flatMap(({ calls }) =>
    calls.filter(({ numbers }) => abis.every((abi) => numberIn(abi, numbers) === undefined)),
  )
  return [...new Set(unknown.map(({ name }) => name))]
}

// The machine's own ABI comes last, hence first in the program.
function byArch(abis: readonly AbiDecisions[]): readonly { arch: number; members: AbiDecisions[] }[] {
  const groups = new Map<number, AbiDecisions[]>()
  for (const one of abis) {
    const group = groups.get(one.abi.auditArch)
    if (group === undefined) groups.set(one.abi.auditArch, [one])
    else group.push(one)
  }
  return [...groups].map(([arch, members]) => ({ arch, members })).reverse()
}

function filteredAbis(listed: readonly SeccompArchitecture[], architecture: Architecture): readonly Abi[] {
  for (const name of listed) {
    if (!architectures.has(name)) throw invalid('architectures', `${JSON.stringify(name)} is not known`)
  }
  return machineAbis[architecture].filter((abi, index) => index === 0 || listed.includes(abi.name))
}

const architectures: ReadonlySet<string> = new Set<SeccompArchitecture>([
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
])

// A filter is loaded by a process with one thread: TSYNC has nothing to do there.
const flagValues: ReadonlyMap<string, number> = new Map<SeccompFlag, number>([
  ['SECCOMP_FILTER_FLAG_TSYNC', 0],
  ['SECCOMP_FILTER_FLAG_LOG', 2],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 4],
  ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', FLAG_WAIT_KILLABLE],
])

function filterFlags(flags: readonly SeccompFlag[] | undefined, notifies: boolean): number {
  let value = notifies ? FLAG_NEW_LISTENER : 0
  for (const flag of flags ?? ['SECCOMP_FILTER_FLAG_SPEC_ALLOW']) {
    const bit = flagValues.get(flag)
    if (bit === undefined) throw invalid('flags', `${JSON.stringify(flag)} is not known`)
    // the kernel refuses it without a listener, where it means nothing
    if (bit !== FLAG_WAIT_KILLABLE || notifies) value |= bit
  }
  return value
}
