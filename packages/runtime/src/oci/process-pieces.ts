import type { Program } from '@ctr/linux'
import type { SpawnOptions, Stdio } from '@ctr/namespaces'
import type { ConfigMemoryPolicy, ConfigPersonality } from './config/config.js'
import type { ConfigProcess } from './config/config-process.js'
import { setFinalAffinity, setInitialAffinity } from './process/cpu-affinity.js'
import { credentialsOf, grantableCapabilities, resetSecurebits } from './process/credentials.js'
import { setIoPriority } from './process/io-priority.js'
import { joinSessionKeyring } from './process/keyring.js'
import { setKeyLabel, setLabels } from './process/labels.js'
import { setMemoryPolicy } from './process/memory-policy.js'
import { setOomScoreAdj } from './process/oom-score.js'
import { setPersonality } from './process/personality.js'
import { openProc, type Descriptor } from './process/proc.js'
import { raiseRlimits, setRlimits } from './process/rlimits.js'
import { setScheduler } from './process/scheduler.js'
import { ownStreams, streamsToOwn } from './process/streams.js'
import type { Log } from './log.js'
import { joinCgroup } from '../setup/join-cgroup.js'

/** What the set-up of a process depends on beside its config. */
export interface ProcessContext {
  readonly process: ConfigProcess
  /** Id of its container. */
  readonly id: string
  readonly userNamespace: boolean
  /** It is the first process of a new one. */
  readonly newUserNamespace: boolean
  /** Leave the supplementary groups as they are. */
  readonly keepGroups: boolean
  /** Files of its cgroup that it writes itself into. */
  readonly cgroupFds: readonly number[]
  readonly keyring: boolean
  /** It joins a running container, and is not its first process. */
  readonly joins: boolean
  /** Its standard streams; undefined where a terminal takes their place. */
  readonly stdio: readonly [Stdio, Stdio, Stdio] | undefined
  readonly personality: ConfigPersonality | undefined
  readonly memoryPolicy: ConfigMemoryPolicy | undefined
  /** CPUs of its cgroup, for an error. */
  readonly cpus: string | undefined
  readonly log: Log
}

/** The parts of `spawn`'s options that come from `process` of the config, for first processes and others alike. */
export type ProcessPieces = Pick<
  SpawnOptions,
  'before' | 'groups' | 'finish' | 'finishFds' | 'user' | 'capabilities' | 'noNewPrivileges'
> & {
  /** Adds what is left for `finish` of the child's own procfs, where that is needed; to be called in `prepare`. */
  readonly keepProc: (program: Program, proc?: Descriptor) => void
}

/** Number of the procfs that labels are written through, in the child. */
const PROC_FD = 1001

/** Sorts what a process gets into the steps of its set-up; see the functions that it calls. */
export function processPieces(context: ProcessContext): ProcessPieces {
  const { process, userNamespace } = context
  const labelled = (process.selinuxLabel ?? '') !== '' || (process.apparmorProfile ?? '') !== ''
  const grantable = grantableCapabilities({ userNamespace })
  return {
    ...credentialsOf(process, { grantable, log: context.log, setgroups: !context.keepGroups }),
    before: (program) => {
      begin(program, context)
    },
    groups: {
      fds: context.cgroupFds,
      join: (program) => {
        joinGroups(program, context)
      },
    },
    finish: (program) => {
      finish(program, context, labelled)
    },
    finishFds: labelled ? [PROC_FD] : [],
    keepProc: (program, proc) => {
      if (!labelled) return
      program.call('dup3', [proc ?? openProc(program), PROC_FD, 0])
    },
  }
}

function begin(program: Program, { process, joins, newUserNamespace }: ProcessContext): void {
  const { execCPUAffinity } = process
  // in a new user namespace it begins without the privileges for them; see create-hooks.ts
  if (!newUserNamespace) beginPrivileged(program, process)
  if (joins && execCPUAffinity !== undefined) setInitialAffinity(program, execCPUAffinity)
}

function joinGroups(program: Program, { process, cgroupFds, joins }: ProcessContext): void {
  if (cgroupFds.length > 0) joinCgroup(program, cgroupFds)
  setFinalAffinity(program, joins ? process.execCPUAffinity : undefined)
}

function beginPrivileged(program: Program, { oomScoreAdj, ioPriority, rlimits = [] }: ConfigProcess): void {
  if (oomScoreAdj !== undefined) setOomScoreAdj(program, oomScoreAdj)
  if (ioPriority !== undefined) setIoPriority(program, ioPriority)
  raiseRlimits(program, rlimits)
}

function finish(program: Program, context: ProcessContext, labelled: boolean): void {
  const { process, id, userNamespace, keyring, personality, memoryPolicy, cpus, log } = context
  const { rlimits = [], scheduler, selinuxLabel = '', user } = process
  if (context.stdio !== undefined) ownStreams(program, streamsToOwn(context.stdio), user)
  if (labelled && selinuxLabel !== '') setKeyLabel(program, selinuxLabel, PROC_FD)
  if (keyring) joinSessionKeyring(program, { id, userNamespace })
  resetSecurebits(program)
  if (personality !== undefined) setPersonality(program, personality, log)
  if (memoryPolicy !== undefined) setMemoryPolicy(program, memoryPolicy)
  if (labelled) setLabels(program, process, PROC_FD)
  program.step('set the mode mask').call('umask', [user.umask ?? 0o022])
  setRlimits(program, rlimits)
  if (scheduler !== undefined) setScheduler(program, scheduler, { cpus })
}
