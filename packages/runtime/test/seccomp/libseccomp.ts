import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe } from '@jest/globals'
import type { LinuxSeccomp } from '../../src/seccomp/profile.js'
import type { TestAbi } from './evaluate-profile.js'

export type Machine = 'x64' | 'arm64'

// Debian's own Python, which Debian's python3-seccomp belongs to.
const python = '/usr/bin/python3'
const script = fileURLToPath(new URL('./libseccomp.py', import.meta.url))
const isMissing = spawnSync(python, ['-c', 'import seccomp']).status !== 0

/** `describe()` for tests that ask libseccomp; where it is missing they are skipped, or fail when they must run. */
export const describeBesideLibseccomp =
  isMissing && process.env['CTR_REQUIRE_PRIVILEGED'] !== '1' ? describe.skip : describe

/** Says in a title why the tests are skipped. */
export const skipReason = isMissing ? ' (skipped: needs python3-seccomp)' : ''

interface Answer {
  readonly numbers: Readonly<Record<string, readonly number[]>>
  readonly filters: readonly (string | null)[]
}

/**
 * The filters that libseccomp makes of profiles; undefined where it refuses one.
 *
 * @param badArch - Action for ABIs that a profile does not name. Default: that of our filters, `KILL_PROCESS`.
 */
export function libseccompFilters(
  machine: Machine,
  profiles: readonly LinuxSeccomp[],
  badArch: readonly [string, number] | null = ['KILL_PROCESS', 0],
): readonly (Uint8Array | undefined)[] {
  const request = { profiles: profiles.map((profile) => ({ ...forLibseccomp(profile, machine), badArch })) }
  return ask(request).filters.map((filter) =>
    filter === null ? undefined : Uint8Array.from(Buffer.from(filter, 'hex')),
  )
}

/** Numbers that libseccomp gives to system calls, for each ABI in the order asked for; see libseccomp.py. */
export function libseccompNumbers(names: readonly string[], abis: readonly TestAbi[]): Answer['numbers'] {
  return ask({ names, arches: abis.map((abi) => abi.replace('SCMP_ARCH_', '')) }).numbers
}

function ask(request: object): Answer {
  const input = JSON.stringify({ names: [], arches: [], profiles: [], ...request })
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
  return { arches, default: byDefault, rules }
}
