import { describe, expect, it } from '@jest/globals'
import { runFilter } from '../../test/seccomp/bpf-interpreter.js'
import { compileSeccomp } from '../seccomp/compile.js'
import { checkSeccompProfile, parseSeccompProfile } from './check-seccomp-profile.js'
import { resolveSeccompProfile, type SeccompFacts } from './resolve-seccomp-profile.js'
import type { SeccompProfile } from './seccomp-profile.js'

const facts: SeccompFacts = { capabilities: ['CAP_CHOWN'], architecture: 'x64', kernelVersion: '6.1.0-1' }

/** The names of the rules that hold. */
function namesOf(syscalls: SeccompProfile['syscalls'], more: Partial<SeccompFacts> = {}): readonly string[] {
  const profile = resolveSeccompProfile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, { ...facts, ...more })
  return profile.syscalls!.flatMap(({ names }) => names)
}

describe('a seccomp profile in the form of Docker', () => {
  const action = 'SCMP_ACT_ALLOW'

  it('has rules that depend on capabilities, machine and kernel', () => {
    const rules: SeccompProfile['syscalls'] = [
      { name: 'old', action, includes: {}, excludes: {} },
      { names: ['chown'], action, includes: { caps: ['CAP_CHOWN'] } },
      { names: ['both'], action, includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } },
      { names: ['unless'], action, excludes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } },
      { names: ['amd64'], action, includes: { arches: ['amd64', 'x32'] } },
      { names: ['arm64'], action, excludes: { arches: ['amd64'] } },
      { names: ['since'], action, includes: { minKernel: '6.1' } },
      { names: ['until'], action, excludes: { minKernel: '6.2' } },
    ]
    expect(namesOf(rules)).toEqual(['old', 'chown', 'amd64', 'since', 'until'])
    const all = { capabilities: ['CAP_SYS_ADMIN', 'CAP_CHOWN'], architecture: 'arm64' } as const
    expect(namesOf(rules, { ...all, kernelVersion: '6.10.0' })).toEqual([
      ...['old', 'chown', 'both', 'arm64', 'since'],
    ])
    expect(namesOf(rules, { capabilities: [], kernelVersion: '5.4.0' })).toEqual([
      ...['old', 'unless', 'amd64', 'until'],
    ])
  })

  it('names the ABIs of every machine', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    ]
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', archMap } as const
    expect(resolveSeccompProfile(profile, facts).architectures).toEqual([
      ...['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    ])
    const [, x64] = archMap
    expect(
      resolveSeccompProfile({ ...profile, archMap: [x64!] }, { ...facts, architecture: 'arm64' })
        .architectures,
    ).toEqual(['SCMP_ARCH_AARCH64'])
  })

  it('keeps the digits of large numbers, in JSON too', () => {
    const text = (value: string): string =>
      `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["dup"],"action":"SCMP_ACT_ERRNO",
        "args":[{"index":0,"value":${value},"op":"SCMP_CMP_EQ"}]}]}`
    const profile = parseSeccompProfile(text('18446744073709551615'))
    expect(profile.syscalls![0]!.args![0]!.value).toBe('18446744073709551615')
    expect(checkSeccompProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile)
    const { program } = compileSeccomp(resolveSeccompProfile(profile, facts), facts)
    const dup = (argument: bigint): number =>
      runFilter(program, { number: 32, arch: 0xc000_003e, args: [argument] }).result
    expect(dup(2n ** 64n - 1n)).toBe(0x0005_0001)
    expect(dup(2n ** 63n)).toBe(0x7fff_0000)
    expect(() => checkSeccompProfile(JSON.parse(text('18446744073709551615')))).toThrow(
      'syscalls[0].args[0].value must be an integer from 0 to 18446744073709551615',
    )
  })

  it.each([
    ['', 'it is not JSON'],
    ['[]', 'it must be an object, got a list of 0'],
    ['{}', 'defaultAction must be set'],
    ['{"defaultAction":"ALLOW"}', 'defaultAction must be one of SCMP_ACT_'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO"}]}', 'syscalls[0].names must'],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","name":"a","names":["b"]}]}',
      'syscalls[0].names must be unset where name is set',
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","names":["b"],"includes":{"minKernel":"new"}}]}',
      'syscalls[0].includes.minKernel must be a release like 4.8',
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]}',
      'archMap must be unset where architectures is set',
    ],
  ])('is refused with the name of the field: %s', (text, why) => {
    expect(() => parseSeccompProfile(text)).toThrow(`cannot use the seccomp profile: ${why}`)
  })

  it('may not report to a listener', () => {
    const syscalls = [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' as const }]
    expect(() => resolveSeccompProfile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }, facts)).toThrow(
      'SCMP_ACT_NOTIFY needs a listenerPath',
    )
  })
})
