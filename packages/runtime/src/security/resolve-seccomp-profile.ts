import type { Architecture } from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import { machineAbis } from '../seccomp/abi.js'
import type { LinuxSeccomp, LinuxSeccompArg, SeccompArchitecture } from '../seccomp/profile.js'
import { isKernelSince } from './kernel-release.js'
import type { SeccompProfile, SeccompProfileArg, SeccompProfileFilter } from './seccomp-profile.js'

/** What the rules of a profile depend on. */
export interface SeccompFacts {
  /** Capabilities of the container's bounding set, as `CAP_SYS_ADMIN`. */
  readonly capabilities: readonly string[]
  readonly architecture: Architecture
  /** Release of the running kernel, as `os.release()` gives it. */
  readonly kernelVersion: string
}

/** How profiles name the machines. */
const machines: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' }

/**
 * The profile of the OCI specification that a profile is for one container on one machine, as Docker resolves it.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: a rule reports to a listener, for which `run` has no socket.
 */
export function resolveSeccompProfile(profile: SeccompProfile, facts: SeccompFacts): LinuxSeccomp {
  const { defaultAction, defaultErrnoRet, flags, syscalls = [] } = profile
  const rules = syscalls
    .filter(({ includes, excludes }) => includesAll(includes, facts) && !excludesAny(excludes, facts))
    .map(({ name, names = [], action, errnoRet, args = [] }) => ({
      names: name === undefined ? names : [name],
      ...{ action, errnoRet, args: args.map(wholeNumbers) },
    }))
  if ([defaultAction, ...rules.map(({ action }) => action)].includes('SCMP_ACT_NOTIFY')) {
    throw new RuntimeError(
      'ERR_RUNTIME_SECCOMP',
      'cannot use the seccomp profile: SCMP_ACT_NOTIFY needs a listenerPath, which only bundles have',
    )
  }
  return { defaultAction, defaultErrnoRet, flags, architectures: abisOf(profile, facts), syscalls: rules }
}

function abisOf(
  { architectures, archMap = [] }: SeccompProfile,
  { architecture }: SeccompFacts,
): readonly SeccompArchitecture[] | undefined {
  if (archMap.length === 0) return architectures
  const own = machineAbis[architecture][0]!.name
  const subs = archMap.find((one) => one.architecture === own)?.subArchitectures ?? []
  return [own, ...(subs as readonly SeccompArchitecture[])]
}

function includesAll(filter: SeccompProfileFilter = {}, facts: SeccompFacts): boolean {
  const { caps = [], arches = [], minKernel } = filter
  return (
    caps.every((name) => facts.capabilities.includes(name)) &&
    (arches.length === 0 || arches.includes(machines[facts.architecture])) &&
    (minKernel === undefined || isSince(facts, minKernel))
  )
}

function excludesAny(filter: SeccompProfileFilter = {}, facts: SeccompFacts): boolean {
  const { caps = [], arches = [], minKernel } = filter
  return (
    caps.some((name) => facts.capabilities.includes(name)) ||
    arches.includes(machines[facts.architecture]) ||
    (minKernel !== undefined && isSince(facts, minKernel))
  )
}

function isSince({ kernelVersion }: SeccompFacts, release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number)
  return isKernelSince(kernelVersion, major, minor)
}

function wholeNumbers({ value, valueTwo, ...rest }: SeccompProfileArg): LinuxSeccompArg {
  return { ...rest, value: BigInt(value), valueTwo: valueTwo === undefined ? undefined : BigInt(valueTwo) }
}
