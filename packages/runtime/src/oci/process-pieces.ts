import type { SpawnOptions } from '@ctr/namespaces'
import { joinCgroup } from '../setup/join-cgroup.js'
import type { ConfigProcess } from './config/config-process.js'
import { attributesOf, type AttributesContext } from './process/attributes.js'
import { credentialsOf, grantableCapabilities } from './process/credentials.js'
import { labelPieces, type LabelPieces } from './process/labels.js'

/** What the set-up of a process depends on beside its config. */
export interface ProcessContext extends AttributesContext {
  readonly process: ConfigProcess
  /** Leave the supplementary groups as they are. */
  readonly keepGroups: boolean
  /** Files of its cgroup that it writes itself into. */
  readonly cgroupFds: readonly number[]
}

/** The parts of `spawn`'s options that come from `process` of the config, for first processes and others alike. */
export type ProcessPieces = SpawnOptionsOfProcess & Pick<LabelPieces, 'keepProc'>

type SpawnOptionsOfProcess = Omit<SpawnOptions, 'command' | 'before' | 'prepare'>

/** Sorts what a process gets into options of `spawn`; see the functions that it calls. */
export function processPieces(context: ProcessContext): ProcessPieces {
  const { process, userNamespace, cgroupFds } = context
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
    ...labelPieces(process),
  }
}
