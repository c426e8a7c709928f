import { PR_SET_SECUREBITS, type Program } from '@ctr/linux'
import { NamespacesError } from '../errors.js'
import type { Stdio } from '../setup/stdio.js'
import { setAffinity, type CpuAffinity } from './cpu-affinity.js'
import { setIoPriority, type IoPriority } from './io-priority.js'
import { joinSessionKeyring, type SessionKeyring } from './keyring.js'
import { checkMemoryPolicy, setMemoryPolicy, type MemoryPolicy } from './memory-policy.js'
import { setOomScoreAdj } from './oom-score.js'
import { setPersonality, type ExecutionDomain } from './personality.js'
import { checkRlimits, raiseRlimits, setRlimits, type Rlimit } from './rlimits.js'
import { checkScheduler, setScheduler, type Scheduler } from './scheduler.js'
import { ownStreams, streamsToOwn } from './streams.js'

/** What a process has beside its namespaces and credentials. What is not named is inherited from this process. */
export interface ProcessAttributes {
  /** At most one of a type. Hard limits above our own need `CAP_SYS_RESOURCE`. */
  readonly rlimits?: readonly Rlimit[] | undefined
  /** -1000 (never) to 1000: how soon it is killed when memory runs out. */
  readonly oomScoreAdj?: number | undefined
  readonly scheduler?: Scheduler | undefined
  readonly ioPriority?: IoPriority | undefined
  readonly cpuAffinity?: CpuAffinity | undefined
  readonly memoryPolicy?: MemoryPolicy | undefined
  readonly personality?: ExecutionDomain | undefined
  /** File mode creation mask, 0 to 0o777. */
  readonly umask?: number | undefined
  readonly sessionKeyring?: SessionKeyring | undefined
  /**
   * `SECBIT_*`: the rules by which user 0 gets capabilities, 0 for those of a new process. They stay as they are where
   * we may not change them.
   */
  readonly securebits?: number | undefined
  /** Gives its user standard streams that are pipes, sockets or files, so that it can open `/dev/stdout`. */
  readonly ownStreams?: boolean | undefined
}

/**
 * Refuses what the kernel would refuse with a bare `EINVAL` or `EPERM`.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`, `ERR_NAMESPACES_LIMIT`.
 */
export function checkAttributes({
  rlimits,
  scheduler,
  memoryPolicy,
  umask,
  oomScoreAdj,
}: ProcessAttributes): void {
  if (rlimits !== undefined) checkRlimits(rlimits)
  if (scheduler !== undefined) checkScheduler(scheduler)
  if (memoryPolicy !== undefined) checkMemoryPolicy(memoryPolicy)
  checkRange('umask', umask, 0, 0o777)
  checkRange('oomScoreAdj', oomScoreAdj, -1000, 1000)
}

function checkRange(what: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return
  throw new NamespacesError(
    'ERR_NAMESPACES_INVALID_ARG',
    `cannot set ${what} to ${value}: it must be an integer from ${least} to ${most}`,
  )
}

/** Adds what a process sets first, with all our privileges and our `/proc`. */
export function beginAttributes(
  program: Program,
  { oomScoreAdj, ioPriority, rlimits, cpuAffinity }: ProcessAttributes,
): void {
  if (oomScoreAdj !== undefined) setOomScoreAdj(program, oomScoreAdj)
  if (ioPriority !== undefined) setIoPriority(program, ioPriority)
  if (rlimits !== undefined) raiseRlimits(program, rlimits)
  if (cpuAffinity?.initial !== undefined) setAffinity(program, 'initial', cpuAffinity.initial)
}

/** Adds what it sets once it is in its cgroups. */
export function attributesInGroups(program: Program, { cpuAffinity }: ProcessAttributes): void {
  if (cpuAffinity?.final !== undefined) setAffinity(program, 'final', cpuAffinity.final)
}

/** Whose standard streams {@link finishAttributes} gives to whom. */
export interface StreamOwner {
  readonly stdio: readonly [Stdio, Stdio, Stdio]
  readonly user: { readonly uid: number; readonly gid: number } | undefined
}

/** Adds what it sets last, while it is privileged in its user namespace. */
export function finishAttributes(
  program: Program,
  attributes: ProcessAttributes,
  { stdio, user }: StreamOwner,
): void {
  const { sessionKeyring, securebits, personality, memoryPolicy, umask, rlimits, scheduler } = attributes
  if (attributes.ownStreams === true && user !== undefined) ownStreams(program, streamsToOwn(stdio), user)
  if (sessionKeyring !== undefined) joinSessionKeyring(program, sessionKeyring)
  if (securebits !== undefined) setSecurebits(program, securebits)
  if (personality !== undefined) setPersonality(program, personality)
  if (memoryPolicy !== undefined) setMemoryPolicy(program, memoryPolicy)
  if (umask !== undefined) program.step('set the umask').call('umask', [umask])
  if (rlimits !== undefined) setRlimits(program, rlimits)
  if (scheduler !== undefined) setScheduler(program, scheduler)
}

/** Whoever started us may have changed, and locked, them: then they stay. */
function setSecurebits(program: Program, bits: number): void {
  program
    .step('set the securebits')
    .call('prctl', [PR_SET_SECUREBITS, bits, 0, 0, 0], { tolerate: ['EPERM'] })
}
