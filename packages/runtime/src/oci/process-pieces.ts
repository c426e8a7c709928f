import type { Program } from '@ctr/linux'
import type { SpawnOptions } from '@ctr/namespaces'
import { joinCgroup } from '../setup/join-cgroup.js'
import type { ConfigProcess } from './config/config-process.js'
import { attributesOf, type AttributesContext } from './process/attributes.js'
import { credentialsOf, grantableCapabilities } from './process/credentials.js'
import { setKeyLabel, setLabels } from './process/labels.js'
import { openProc, type Descriptor } from './process/proc.js'

/** What the set-up of a process depends on beside its config. */
export interface ProcessContext extends AttributesContext {
  readonly process: ConfigProcess
  /** Leave the supplementary groups as they are. */
  readonly keepGroups: boolean
  /** Files of its cgroup that it writes itself into. */
  readonly cgroupFds: readonly number[]
}

/** The parts of `spawn`'s options that come from `process` of the config, for first processes and others alike. */
export type ProcessPieces = SpawnOptionsOfProcess & {
  /** Adds what is left for `finish` of the child's own procfs, where that is needed; to be called in `prepare`. */
  readonly keepProc: (program: Program, proc?: Descriptor) => void
}

type SpawnOptionsOfProcess = Omit<SpawnOptions, 'command' | 'before' | 'prepare'>

/** Number of the procfs that labels are written through, in the child. */
const PROC_FD = 1001

/** Sorts what a process gets into options of `spawn`; see the functions that it calls. */
export function processPieces(context: ProcessContext): ProcessPieces {
  const { process, userNamespace, cgroupFds } = context
  const { selinuxLabel = '', apparmorProfile = '' } = process
  const labelled = selinuxLabel !== '' || apparmorProfile !== ''
  const grantable = grantableCapabilities({ userNamespace })
  return {
    ...credentialsOf(process, { grantable, log: context.log, setgroups: !context.keepGroups }),
    ...attributesOf(process, context),
    groups: {
      fds: cgroupFds,
      join: (program) => {
        if (cgroupFds.length > 0) joinCgroup(program, cgroupFds)
      },
    },
    finish: (program) => {
      if (!labelled) return
      if (selinuxLabel !== '') setKeyLabel(program, selinuxLabel, PROC_FD)
      setLabels(program, process, PROC_FD)
    },
    finishFds: labelled ? [PROC_FD] : [],
    keepProc: (program, proc) => {
      if (!labelled) return
      program.call('dup3', [proc ?? openProc(program), PROC_FD, 0])
    },
  }
}
