import { describe, expect, it } from '@jest/globals'
import { runFilter } from '../../test/seccomp/bpf-interpreter.js'
import { profileEvaluator, testAbis } from '../../test/seccomp/evaluate-profile.js'
import { edgeValues, randomProfile, randomSource } from '../../test/seccomp/random-profile.js'
import { defaultSeccompProfile } from '../security/default-seccomp-profile.js'
import { machineAbis, multiplexedCall } from './abi.js'
import { compileSeccomp } from './compile.js'
import type { LinuxSeccomp, LinuxSeccompSyscall, SeccompArchitecture } from './profile.js'
import { syscallNumbers } from './syscall-numbers.js'

const ALLOW = 0x7fff_0000
const ERRNO = 0x0005_0000
const x86_64 = testAbis.SCMP_ARCH_X86_64.arch
const i386 = testAbis.SCMP_ARCH_X86.arch
const zeros = [0n, 0n, 0n, 0n, 0n, 0n]

function ask(
  profile: LinuxSeccomp,
  number: number,
  args: readonly bigint[] = zeros,
  arch: number = x86_64,
): number {
  const { program } = compileSeccomp(profile, { architecture: 'x64' })
  return runFilter(program, { number, arch, args: [...args, ...zeros].slice(0, 6) }).result
}

function deny(...syscalls: readonly LinuxSeccompSyscall[]): LinuxSeccomp {
  return { defaultAction: 'SCMP_ACT_ERRNO', syscalls }
}

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

// Every number near a call of any ABI, and those that mean something special.
const numbers = [
  ...Array.from({ length: 600 }, (_, number) => number),
  ...Array.from({ length: 600 }, (_, number) => 0x4000_0000 + number),
  ...Array.from({ length: 16 }, (_, number) => 0xf_0000 + number),
  0x3fff_ffff,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
]
// Calls that 32-bit x86 also makes through socketcall and ipc have tests of their own.
const names = Object.keys(syscallNumbers).filter(
  (name) => multiplexedCall(machineAbis.x64[1]!, name) === undefined,
)
const arches = [...new Set(Object.values(testAbis).map(({ arch }) => arch)), 0x8000_0016]

describe.each([
  ['x64', ['SCMP_ARCH_X86', 'SCMP_ARCH_X32']],
  ['arm64', ['SCMP_ARCH_ARM']],
] as const)('compileSeccomp() for %s', (architecture, others: readonly SeccompArchitecture[]) => {
  const mismatches: object[] = []

  it("decides every number of every ABI as Docker's default profile does", () => {
    for (const capabilities of [[], ['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_SYS_CHROOT']]) {
      const profile = defaultSeccompProfile({ capabilities, architecture })
      const { program, instructions } = compileSeccomp(profile, { architecture })
      const evaluate = profileEvaluator(profile, architecture)
      expect(instructions).toBeLessThan(500)
      for (const arch of arches) {
        for (const number of numbers) {
          for (const first of [0n, 38n, 39n, 40n, 43n, 48n, 0x7e02_0000n, 0x1_0000_0028n]) {
            const data = { number, arch, args: [first, 0n, 0n, 0n, 0n, 0n] }
            const { result, steps } = runFilter(program, data)
            if (!evaluate(data).has(result) || steps > 45) mismatches.push({ ...data, result, steps })
          }
        }
      }
    }
    expect(mismatches).toEqual([])
  })

  it('decides random calls as random profiles do', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = randomSource(seed)
      const architectures = others.filter(() => random(3) > 0)
      const profile = randomProfile({ random, architectures, oneAction: random(2) === 0, names })
      const { program } = compileSeccomp(profile, { architecture })
      const evaluate = profileEvaluator(profile, architecture)
      for (let round = 0; round < 2000; round++) {
        const data = {
          number: numbers[random(numbers.length)]!,
          arch: arches[random(arches.length)]!,
          args: Array.from({ length: 6 }, () => edgeValues[random(edgeValues.length)]!),
        }
        const { result } = runFilter(program, data)
        if (!evaluate(data).has(result)) mismatches.push({ seed, ...data, result })
      }
    }
    expect(mismatches).toEqual([])
  })
})

describe('compileSeccomp()', () => {
  it('returns the value of each action', () => {
    const results = (
      [
        ['SCMP_ACT_KILL', undefined, 0],
        ['SCMP_ACT_KILL_THREAD', undefined, 0],
        ['SCMP_ACT_KILL_PROCESS', undefined, 0x8000_0000],
        ['SCMP_ACT_TRAP', undefined, 0x3_0000],
        ['SCMP_ACT_ERRNO', undefined, ERRNO + 1],
        ['SCMP_ACT_ERRNO', 4095, ERRNO + 4095],
        ['SCMP_ACT_NOTIFY', undefined, 0x7fc0_0000],
        ['SCMP_ACT_TRACE', 7, 0x7ff0_0007],
        ['SCMP_ACT_LOG', undefined, 0x7ffc_0000],
      ] as const
    ).map(([action, errnoRet, expected]) => [
      ask({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action, errnoRet }] }, 0),
      expected,
    ])
    for (const [result, expected] of results) expect(result).toBe(expected)
  })

  it('kills the process on calls of ABIs that are not named', () => {
    const profile = deny({ names: ['read', 'mseal'], action: 'SCMP_ACT_ALLOW' })
    expect(ask(profile, 0)).toBe(ALLOW)
    expect(ask(profile, 3, zeros, i386)).toBe(0x8000_0000)
    expect(ask(profile, 0x4000_0000)).toBe(0x8000_0000)
    expect(ask(profile, 0, zeros, testAbis.SCMP_ARCH_AARCH64.arch)).toBe(0x8000_0000)
    expect(ask({ ...profile, architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_MIPS'] }, 3, zeros, i386)).toBe(
      ALLOW,
    )
  })

  it('returns ENOSYS for calls newer than the profile, but its own action for those between', () => {
    const profile = deny({ names: ['read', 'openat2'], action: 'SCMP_ACT_ALLOW' })
    expect(ask(profile, 437)).toBe(ALLOW)
    expect(ask(profile, 436)).toBe(ERRNO + 1)
    expect(ask(profile, 438)).toBe(ERRNO + 38)
    expect(ask(profile, 0xffff_ffff)).toBe(ERRNO + 38)
    expect(ask({ ...profile, defaultAction: 'SCMP_ACT_LOG' }, 438)).toBe(0x7ffc_0000)
    expect(ask({ ...profile, defaultAction: 'SCMP_ACT_KILL_PROCESS' }, 438)).toBe(ERRNO + 38)
  })

  it('lets one rule without conditions decide alone, the first listed', () => {
    const profile = deny(
      { names: ['read'], action: 'SCMP_ACT_TRAP', args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] },
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
      { names: ['read'], action: 'SCMP_ACT_LOG' },
    )
    expect(ask(profile, 0)).toBe(ALLOW)
  })

  it('tries narrower ranges before wider ones where actions differ', () => {
    const at = (value: number, action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_TRAP') =>
      ({ names: ['read'], action, args: [{ index: 0, value, op: 'SCMP_CMP_GE' }] }) as const
    for (const profile of [
      deny(at(10, 'SCMP_ACT_ALLOW'), at(100, 'SCMP_ACT_TRAP')),
      deny(at(100, 'SCMP_ACT_TRAP'), at(10, 'SCMP_ACT_ALLOW')),
    ]) {
      expect(ask(profile, 0, [9n])).toBe(ERRNO + 1)
      expect(ask(profile, 0, [99n])).toBe(ALLOW)
      expect(ask(profile, 0, [100n])).toBe(0x3_0000)
    }
  })

  it('takes several conditions on one argument as alternatives, on several as all needed', () => {
    const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' }) as const
    const either = deny({ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [eq(0, 1), eq(0, 2)] })
    const both = deny({ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [eq(0, 1), eq(1, 2)] })
    expect([1n, 2n, 3n].map((value) => ask(either, 0, [value]))).toEqual([ALLOW, ALLOW, ERRNO + 1])
    expect(ask(both, 0, [1n, 2n])).toBe(ALLOW)
    expect(ask(both, 0, [1n, 3n])).toBe(ERRNO + 1)
  })

  it('holds rules for socket and IPC calls behind the multiplexers of 32-bit x86', () => {
    const socketcall = (profile: LinuxSeccomp) =>
      [1n, 2n].map((call) => ask({ ...profile, architectures: ['SCMP_ARCH_X86'] }, 102, [call], i386))
    const args = [{ index: 0, value: 40, op: 'SCMP_CMP_EQ' }] as const
    const allowed: LinuxSeccomp = { defaultAction: 'SCMP_ACT_ALLOW' }
    const rule = { names: ['socket'], action: 'SCMP_ACT_ALLOW' } as const
    expect(socketcall(deny(rule))).toEqual([ALLOW, ERRNO + 1])
    expect(socketcall(deny({ ...rule, args }))).toEqual([ERRNO + 1, ERRNO + 1])
    const forbid: LinuxSeccomp = { ...allowed, syscalls: [{ ...rule, action: 'SCMP_ACT_ERRNO', args }] }
    expect(socketcall(forbid)).toEqual([ERRNO + 1, ALLOW])
    const ipc = {
      ...deny({ names: ['semtimedop'], action: 'SCMP_ACT_ALLOW' }),
      architectures: ['SCMP_ARCH_X86'],
    }
    expect(ask(ipc as LinuxSeccomp, 117, [4n], i386)).toBe(ALLOW)
  })

  it('leaves out and reports names that it does not know', () => {
    const profile = deny({
      names: ['read', 'no_such_call', 'constructor', '__proto__'],
      action: 'SCMP_ACT_ALLOW',
    })
    const filter = compileSeccomp(profile, { architecture: 'x64' })
    expect(filter.unknownNames).toEqual(['no_such_call', 'constructor', '__proto__'])
    expect(runFilter(filter.program, { number: 0, arch: x86_64, args: zeros }).result).toBe(ALLOW)
  })

  it('gives the flags for seccomp(2)', () => {
    const flags = (profile: Partial<LinuxSeccomp>) =>
      compileSeccomp({ ...deny(), ...profile }, { architecture: 'x64' }).flags
    const syscalls = [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] as const
    expect(flags({})).toBe(4)
    expect(flags({ flags: [] })).toBe(0)
    expect(flags({ flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'] })).toBe(2)
    expect(flags({ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] })).toBe(0)
    expect(flags({ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], syscalls })).toBe(8 + 32)
    expect(compileSeccomp({ ...deny(), syscalls }, { architecture: 'x64' }).notifies).toBe(true)
  })

  it('reaches over more than 255 instructions', () => {
    const calls = Array.from({ length: 80 }, (_, value) => ({
      names: ['read'],
      action: 'SCMP_ACT_ALLOW' as const,
      args: [{ index: 5, value: value * 3, op: 'SCMP_CMP_EQ' as const }],
    }))
    const profile = deny(...calls, { names: ['write'], action: 'SCMP_ACT_TRAP' })
    const { program, instructions } = compileSeccomp(profile, { architecture: 'x64' })
    expect(instructions).toBeGreaterThan(300)
    for (let value = 0n; value < 240n; value++) {
      const { result } = runFilter(program, { number: 0, arch: x86_64, args: [0n, 0n, 0n, 0n, 0n, value] })
      expect(result).toBe(value % 3n === 0n ? ALLOW : ERRNO + 1)
    }
    expect(ask(profile, 1)).toBe(0x3_0000)
  })

  it('refuses a profile that needs more than 4096 instructions', () => {
    const syscalls = Array.from({ length: 2000 }, (_, value) => ({
      names: ['read'],
      action: 'SCMP_ACT_ALLOW' as const,
      args: [{ index: 0, value, op: 'SCMP_CMP_EQ' as const }],
    }))
    expect(thrown(() => compileSeccomp(deny(...syscalls), { architecture: 'x64' }))).toMatchObject({
      code: 'ERR_RUNTIME_SECCOMP',
      message: 'cannot compile seccomp profile: the filter needs more than 4096 instructions',
    })
  })

  it('refuses a short profile that multiplies', () => {
    const names = Object.keys(syscallNumbers)
    const args = Array.from({ length: 4000 }, (_, value) => ({ index: 0, value, op: 'SCMP_CMP_NE' }) as const)
    const profile = deny({ names, action: 'SCMP_ACT_ALLOW', args })
    expect(thrown(() => compileSeccomp(profile, { architecture: 'x64' }))).toMatchObject({
      code: 'ERR_RUNTIME_SECCOMP',
      message: expect.stringContaining('syscalls: more than 8192 rules with conditions'),
    })
  })

  it.each([
    [{ defaultAction: 'SCMP_ACT_NOPE' }, 'defaultAction: action "SCMP_ACT_NOPE" is not known'],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
      'defaultAction: SCMP_ACT_ALLOW takes no errno, got 1',
    ],
    [{ defaultErrnoRet: 4096 }, 'defaultAction: errno must be an integer from 0 to 4095, got 4096'],
    [{ architectures: ['x86'] }, 'architectures: "x86" is not known'],
    [{ flags: ['NOPE'] }, 'flags: "NOPE" is not known'],
    [
      { syscalls: [{ names: [''], action: 'SCMP_ACT_ALLOW' }] },
      'syscalls[0]: a name must be a non-empty string',
    ],
    [withArgument({ index: 6 }), 'syscalls[0]: argument index must be 0 to 5, got 6'],
    [withArgument({ op: 'EQ' }), 'syscalls[0]: operator "EQ" is not known'],
    [withArgument({ value: -1 }), 'syscalls[0]: value must be from 0 to 2^64-1, got -1'],
    [
      withArgument({ value: 2n ** 64n }),
      'syscalls[0]: value must be from 0 to 2^64-1, got 18446744073709551616',
    ],
    [
      withArgument({ value: 2 ** 64 }),
      'syscalls[0]: value must be an integer of at most 2^53-1, or a bigint, got 18446744073709552000',
    ],
  ])('refuses %j', (change, message) => {
    const profile = { ...deny(), ...change }
    expect(thrown(() => compileSeccomp(profile, { architecture: 'x64' }))).toMatchObject({
      code: 'ERR_RUNTIME_SECCOMP',
      message: `cannot compile seccomp profile: ${message}`,
    })
  })
})

function withArgument(change: object): object {
  const argument = { index: 0, value: 0, op: 'SCMP_CMP_EQ', ...change }
  return { syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [argument] }] }
}
