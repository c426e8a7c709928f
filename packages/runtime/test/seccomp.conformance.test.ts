import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { machineAbis, multiplexedCall } from '../src/seccomp/abi.js'
import { compileSeccomp } from '../src/seccomp/compile.js'
import type { LinuxSeccomp, SeccompArchitecture } from '../src/seccomp/profile.js'
import { syscallNumbers } from '../src/seccomp/syscall-numbers.js'
import { allCapabilities } from '../src/security/capability.js'
import { defaultSeccompProfile } from '../src/security/default-seccomp-profile.js'
import { runFilter } from './seccomp/bpf-interpreter.js'
import { testAbis } from './seccomp/evaluate-profile.js'
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
  console.log(stderr)
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
const arches = [...new Set(Object.values(testAbis).map(({ arch }) => arch)), 0x8000_0016]
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

// Calls on which the two filters differ, but for the ENOSYS of newer calls, which runc adds in front of libseccomp's.
function differences({ machine, profile, theirs, arguments: next, rounds }: Comparison): object[] {
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
  const found: object[] = []
  for (const arch of arches) {
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
  const names = () => {
    const all = Object.keys(syscallNumbers)
    const { unknown } = libseccomp(machine, [], all)
    // arguments of calls behind socketcall and ipc are treated more strictly than by libseccomp
    const strict = (name: string) => multiplexedCall(machineAbis.x64[1]!, name) !== undefined
    // x32 has no uretprobe, 32-bit ARM has sync_file_range2, which libseccomp knows as arm_sync_file_range
    const apart = ['uretprobe', 'sync_file_range2', ...unknown]
    return all.filter((name) => !apart.includes(name) && !strict(name))
  }

  it("decides like it on Docker's default profile", () => {
    for (const capabilities of [[], allCapabilities]) {
      const whole = defaultSeccompProfile({ capabilities, architecture: machine })
      const { unknown } = libseccomp(machine, [], Object.keys(syscallNumbers))
      const known = (name: string) => name !== 'sync_file_range2' && !unknown.includes(name)
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
    ['one action', true],
    ['several actions', false],
  ])('decides like it on random profiles with %s', (_, oneAction) => {
    const from = names()
    const profiles = Array.from({ length: 40 }, (_, seed) => {
      const random = randomSource(1000 + seed)
      return randomProfile({ random, architectures: others, oneAction, names: from })
    })
    const { filters } = libseccomp(machine, profiles)
    const random = randomSource(2)
    const next = () => Array.from({ length: 6 }, () => edgeValues[random(edgeValues.length)]!)
    const found = profiles.map((profile, index) => {
      const theirs = filters[index]
      // it refuses some rules that contradict each other
      return typeof theirs === 'string'
        ? differences({ machine, profile, theirs, arguments: next, rounds: 6 })
        : []
    })
    for (const [index, list] of found.entries()) for (const one of list.slice(0, 1) as any[]) {
      const abi = Object.values(testAbis).find((a) => a.arch === one.arch && (a.bit !== 0) === (one.arch === 0xc000003e && one.number >= 0x40000000))!
      const name = Object.keys(syscallNumbers).filter((n) => { const v = syscallNumbers[n]![abi.column]; return typeof v === 'number' && v + abi.bit === one.number })
      console.log(index, one, profiles[index]!.defaultAction, JSON.stringify(profiles[index]!.syscalls!.filter((r) => r.names.some((n) => name.includes(n))).map((r) => [r.action, r.errnoRet, r.args?.map((a) => `${a.index} ${a.op.slice(9)} ${BigInt(a.value).toString(16)} ${BigInt(a.valueTwo!).toString(16)}`)]), null, 1), one.args.map((a: bigint) => a.toString(16)).join(' '))
    }
    expect(found.flat().slice(0, 5)).toEqual([])
  })
})
