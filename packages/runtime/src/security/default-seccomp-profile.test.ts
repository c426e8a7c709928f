import { describe, expect, it } from '@jest/globals'
import { runFilter } from '../../test/seccomp/bpf-interpreter.js'
import { compileSeccomp } from '../seccomp/compile.js'
import { numberOf, machineAbis } from '../seccomp/abi.js'
import { allowedSyscalls, syscallsByCapability } from './allowed-syscalls.js'
import { allCapabilities, defaultCapabilities } from './capability.js'
import { defaultSeccompProfile } from './default-seccomp-profile.js'

const names: Readonly<Record<number, string>> = {
  0x7fff_0000: 'ALLOW',
  0x0005_0001: 'EPERM',
  0x0005_0026: 'ENOSYS',
  0x8000_0000: 'KILL_PROCESS',
}

function filter(
  capabilities: readonly string[],
  architecture: 'x64' | 'arm64' = 'x64',
  kernelVersion?: string,
) {
  const profile = defaultSeccompProfile({ capabilities, architecture, kernelVersion })
  const { program } = compileSeccomp(profile, { architecture })
  const [abi] = machineAbis[architecture]
  return (call: string | number, ...args: readonly bigint[]) => {
    const number = typeof call === 'number' ? call : numberOf(abi!, call)
    const whole = [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6)
    return names[runFilter(program, { number: number!, arch: abi!.auditArch, args: whole }).result]
  }
}

describe('defaultSeccompProfile()', () => {
  it('lists each call once', () => {
    expect(new Set(allowedSyscalls).size).toBe(allowedSyscalls.length)
    expect(allowedSyscalls.length).toBe(361)
    for (const list of Object.values(syscallsByCapability)) {
      expect(list.filter((name) => allowedSyscalls.includes(name))).toEqual([])
    }
  })

  it('names only capabilities that exist', () => {
    for (const name of Object.keys(syscallsByCapability)) expect(allCapabilities).toContain(name)
  })

  it("decides as Docker's with the default capabilities", () => {
    const ask = filter(defaultCapabilities)
    for (const call of ['read', 'execve', 'chroot', 'ptrace', 'arch_prctl', 'seccomp', 'mseal', 'io_setup']) {
      expect([call, ask(call)]).toEqual([call, 'ALLOW'])
    }
    const denied = [
      'mount',
      'keyctl',
      'add_key',
      'bpf',
      'unshare',
      'io_uring_setup',
      'kexec_load',
      'open_tree',
      'swapon',
    ]
    for (const call of denied) expect([call, ask(call)]).toEqual([call, 'EPERM'])
    expect(ask('clone3')).toBe('ENOSYS')
    expect(ask('file_setattr')).toBe('ENOSYS')
  })

  it('allows new namespaces only with CAP_SYS_ADMIN', () => {
    const flags = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000].map(
      BigInt,
    )
    const without = filter([])
    const holding = filter(['CAP_SYS_ADMIN'])
    expect(without('clone', 0x1200011n)).toBe('ALLOW')
    expect(flags.map((flag) => without('clone', flag | 17n))).toEqual(flags.map(() => 'EPERM'))
    expect(flags.map((flag) => holding('clone', flag | 17n))).toEqual(flags.map(() => 'ALLOW'))
    expect([holding('clone3'), holding('mount'), holding('unshare')]).toEqual(['ALLOW', 'ALLOW', 'ALLOW'])
  })

  it.each(Object.entries(syscallsByCapability))('opens the calls of %s', (capability, calls) => {
    for (const architecture of ['x64', 'arm64'] as const) {
      const known = calls.filter((call) => numberOf(machineAbis[architecture][0]!, call) !== undefined)
      const holding = filter([capability], architecture)
      expect(known.map((call) => holding(call))).toEqual(known.map(() => 'ALLOW'))
    }
  })

  it('keeps AF_ALG and AF_VSOCK away, also behind bits that the kernel ignores', () => {
    const ask = filter(allCapabilities)
    const families = Array.from({ length: 48 }, (_, family) => BigInt(family))
    const denied = families.filter((family) => ask('socket', family) !== 'ALLOW')
    expect(denied).toEqual([38n, 40n])
    for (const high of [1n << 32n, 1n << 63n, 0xffff_ffffn << 32n]) {
      expect([38n, 40n].map((family) => ask('socket', high | family))).toEqual(['EPERM', 'EPERM'])
    }
  })

  it('takes five personalities', () => {
    const ask = filter([])
    const values = [0n, 8n, 0x2_0000n, 0x2_0008n, 0xffff_ffffn]
    expect(values.map((value) => ask('personality', value))).toEqual(values.map(() => 'ALLOW'))
    expect([4n, 0x4_0000n, 0x1_0000_0008n].map((value) => ask('personality', value))).toEqual([
      'EPERM',
      'EPERM',
      'EPERM',
    ])
  })

  it('allows tracing since Linux 4.8', () => {
    const ask = (version: string) => filter([], 'x64', version)('ptrace')
    expect(['4.7.9', '4.8', '4.10.0-1', '6.1.0-31-amd64'].map(ask)).toEqual([
      'EPERM',
      'ALLOW',
      'ALLOW',
      'ALLOW',
    ])
    expect(() => ask('next')).toThrow('kernelVersion must begin with two numbers, got "next"')
  })
})
