import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { machineAbis, multiplexedCall } from '../src/seccomp/abi.js'
import { compileSeccomp } from '../src/seccomp/compile.js'
import type { LinuxSeccomp, SeccompArchitecture } from '../src/seccomp/profile.js'
import { syscallNumbers } from '../src/seccomp/syscall-numbers.js'
import { allCapabilities } from '../src/security/capability.js'
import { defaultSeccompProfile } from '../src/security/default-seccomp-profile.js'
import { runFilter, type SeccompData } from './seccomp/bpf-interpreter.js'
import { profileEvaluator, testAbis } from './seccomp/evaluate-profile.js'
import { edgeValues, randomProfile, randomSource } from './seccomp/random-profile.js'

// Debian's own Python, which Debian's python3-seccomp belongs to.
const python = '/usr/bin/python3'
const script = fileURLToPath(new URL('./seccomp/libseccomp.py', import.meta.url))
const missing = spawnSync(python, ['-c', 'import seccomp']).status !== 0
const mustRun = process.env['CTR_REQUIRE_PRIVILEGED'] === '1'
const describeHere = missing && !mustRun ? describe.skip : describe
const reason = missing ? ' (skipped: needs python3-seccomp)' : ''

type Machine = 'x64' | 'arm64'
interface Answer {
  readonly unknown: readonly string[]
  readonly filters: readonly (string | null)[]
}

function libseccomp(
  machine: Machine,
  profiles: readonly LinuxSeccomp[],
  names: readonly string[] = [],
): Answer {
  const input = JSON.stringify({
    names,
    profiles: profiles.map((profile) => forLibseccomp(profile, machine)),
  })
  const { stdout, stderr, status } = spawnSync(python, [script], {
    input,
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`libseccomp.py failed: ${stderr}`)
  return JSON.parse(stdout) as Answer
}

// As runc hands a profile to libseccomp: rules that repeat the default action are left out, and several conditions
// on one argument become rules of their own.
function forLibseccomp(profile: LinuxSeccomp, machine: Machine): object {
  const pair = (action: string, errno: number | undefined) => [action.replace('SCMP_ACT_', ''), errno ?? 1]
  const byDefault = pair(profile.defaultAction, profile.defaultErrnoRet)
  const carriesData = (name: unknown) => name === 'ERRNO' || name === 'TRACE'
  const rules = (profile.syscalls ?? []).flatMap(({ names, action, errnoRet, args = [] }) => {
    const [name, data] = pair(action, errnoRet)
    if (name === byDefault[0] && (data === byDefault[1] || !carriesData(name))) return []
    const conditions = args.map(({ index, op, value, valueTwo = 0 }) => {
      return [index, op.replace('SCMP_CMP_', ''), String(value), String(valueTwo)]
    })
    const repeats = new Set(args.map(({ index }) => index)).size !== args.length
    const lists = repeats ? conditions.map((one) => [one]) : [conditions]
    return names.flatMap((call) => lists.map((list) => [name, data, call, list]))
  })
  const native = machine === 'x64' ? 'X86_64' : 'AARCH64'
  const arches = [native, ...(profile.architectures ?? []).map((arch) => arch.replace('SCMP_ARCH_', ''))]
  return { arches, default: byDefault, badArch: ['KILL_PROCESS', 0], rules }
}

const ENOSYS = 0x0005_0000 + 38
const otherArch = 0x8000_0016
const numbers = [
  ...Array.from({ length: 500 }, (_, number) => number),
  ...Array.from({ length: 560 }, (_, number) => 0x4000_0000 + number),
  ...Array.from({ length: 8 }, (_, number) => 0xf_0000 + number),
  0x3fff_ffff,
  0xffff_ffff,
]

interface Comparison {
  readonly machine: Machine
  readonly profile: LinuxSeccomp
  readonly theirs: string
  readonly arguments: () => readonly bigint[]
  readonly rounds: number
}

interface Difference extends SeccompData {
  readonly our: number
  readonly their: number
}

// Calls on which the two filters differ, but for the ENOSYS of newer calls, which runc adds in front of libseccomp's.
function differences({ machine, profile, theirs, arguments: next, rounds }: Comparison): Difference[] {
  const ours = compileSeccomp(profile, { architecture: machine }).program
  const theirProgram = Uint8Array.from(Buffer.from(theirs, 'hex'))
  const otherwise = runFilter(
    compileSeccomp({ ...profile, syscalls: [] }, { architecture: machine }).program,
    {
      number: 0,
      arch: testAbis[machine === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'].arch,
      args: [],
    },
  ).result
  const found: Difference[] = []
  const mine = Object.values(testAbis).filter((abi) => abi.machine === machine)
  for (const arch of new Set([...mine.map((abi) => abi.arch), otherArch])) {
    for (const number of numbers) {
      for (let round = 0; round < rounds; round++) {
        const data = { arch, number, args: next() }
        const our = runFilter(ours, data).result
        const their = runFilter(theirProgram, data).result
        if (our !== their && !(our === ENOSYS && their === otherwise)) found.push({ ...data, our, their })
      }
    }
  }
  return found
}

const machines: readonly (readonly [Machine, readonly SeccompArchitecture[]])[] = [
  ['x64', ['SCMP_ARCH_X86', 'SCMP_ARCH_X32']],
  ['arm64', ['SCMP_ARCH_ARM']],
]

describeHere.each(machines)(`compileSeccomp() beside libseccomp, %s${reason}`, (machine, others) => {
  // Names that both know alike. libseccomp 2.5.4 has no x32 number for map_shadow_stack, and calls 32-bit ARM's
  // sync_file_range2 by its other name; no kernel has uretprobe for x32.
  const shared = (names: readonly string[]) => {
    const { unknown } = libseccomp(machine, [], names)
    const apart = ['map_shadow_stack', 'sync_file_range2', 'uretprobe', ...unknown]
    return (name: string) => !apart.includes(name)
  }
  // Conditions on calls behind socketcall and ipc are treated more strictly than by libseccomp.
  const isDirect = (name: string) => multiplexedCall(machineAbis.x64[1]!, name) === undefined

  it("decides like it on Docker's default profile", () => {
    for (const capabilities of [[], allCapabilities]) {
      const whole = defaultSeccompProfile({ capabilities, architecture: machine })
      const known = shared(whole.syscalls!.flatMap((rule) => rule.names))
      const profile = {
        ...whole,
        syscalls: whole.syscalls!.map((rule) => ({ ...rule, names: rule.names.filter(known) })),
      }
      const [theirs] = libseccomp(machine, [profile]).filters
      const random = randomSource(1)
      const values = [
        0n,
        1n,
        38n,
        39n,
        40n,
        42n,
        46n,
        50n,
        0x2_0008n,
        0x7e02_0000n,
        0x1_0000_0028n,
        0x80_0000n,
      ]
      const next = () => Array.from({ length: 6 }, () => values[random(values.length)]!)
      const found = differences({ machine, profile, theirs: theirs!, arguments: next, rounds: 8 })
      expect(found).toEqual([])
    }
  })

  it.each([
    ['one rule a call', { distinct: true }],
    ['many rules a call, on equality', { operators: ['EQ'] }],
    ['many rules a call', {}],
  ] as const)('decides like it on random profiles with %s', (_, options) => {
    const all = Object.keys(syscallNumbers)
    const from = all.filter(isDirect).filter(shared(all))
    const profiles = Array.from({ length: 24 }, (_, seed) => {
      const random = randomSource(1000 + seed)
      return randomProfile({ random, architectures: others, names: from, ...options })
    })
    const { filters } = libseccomp(machine, profiles)
    const random = randomSource(2)
    const next = () => Array.from({ length: 6 }, () => edgeValues[random(edgeValues.length)]!)
    const found = profiles.flatMap((profile, index) => {
      const theirs = filters[index]
      // it refuses some rules that contradict each other
      if (typeof theirs !== 'string') return []
      const evaluate = profileEvaluator(profile, machine)
      return differences({ machine, profile, theirs, arguments: next, rounds: 4 }).filter((difference) => {
        // libseccomp 2.5.4 gives wrong answers where many rules of a call have conditions on one argument
        return 'distinct' in options || evaluate(difference).has(difference.their)
      })
    })
    expect(filters.filter((filter) => filter !== null).length).toBeGreaterThan(12)
    expect(found.slice(0, 5)).toEqual([])
  })
})
