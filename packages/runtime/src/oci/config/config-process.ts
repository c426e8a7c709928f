import type { Capability } from '../../security/capability.js'
import type { Integer64 } from './json.js'

/** A process of a container: `process` of `config.json`, and the file that `exec --process` reads. */
export interface ConfigProcess {
  /** Gives the process a new terminal as its standard streams. */
  readonly terminal?: boolean | undefined
  /** Of the terminal, in characters. */
  readonly consoleSize?: ConfigConsoleSize | undefined
  readonly user: ConfigUser
  /** The program and its arguments, as execvp(3) takes them: at least one. */
  readonly args: readonly string[]
  /** `NAME=value` each. */
  readonly env?: readonly string[] | undefined
  /** Absolute, in the container. */
  readonly cwd: string
  readonly capabilities?: ConfigCapabilities | undefined
  /** At most one of a type. */
  readonly rlimits?: readonly ConfigRlimit[] | undefined
  readonly noNewPrivileges?: boolean | undefined
  readonly apparmorProfile?: string | undefined
  readonly selinuxLabel?: string | undefined
  /** -1000 to 1000. Unset leaves what the runtime has. */
  readonly oomScoreAdj?: number | undefined
  readonly scheduler?: ConfigScheduler | undefined
  readonly ioPriority?: ConfigIoPriority | undefined
  /** CPUs of a process that joins a running container. */
  readonly execCPUAffinity?: ConfigCpuAffinity | undefined
}

/** In characters, 0 to 65535 each; 0 means unknown. */
export interface ConfigConsoleSize {
  readonly height: number
  readonly width: number
}

/** Ids in the container. */
export interface ConfigUser {
  readonly uid: number
  readonly gid: number
  /** 0 to 0777. Unset means 0022. */
  readonly umask?: number | undefined
  readonly additionalGids?: readonly number[] | undefined
}

/** The five sets of capabilities(7). Capabilities that no Linux has are left out by the parser. */
export interface ConfigCapabilities {
  readonly bounding?: readonly Capability[] | undefined
  readonly effective?: readonly Capability[] | undefined
  readonly inheritable?: readonly Capability[] | undefined
  readonly permitted?: readonly Capability[] | undefined
  readonly ambient?: readonly Capability[] | undefined
}

/** Names of the limits of getrlimit(2). */
export type ConfigRlimitType =
  | 'RLIMIT_AS'
  | 'RLIMIT_CORE'
  | 'RLIMIT_CPU'
  | 'RLIMIT_DATA'
  | 'RLIMIT_FSIZE'
  | 'RLIMIT_LOCKS'
  | 'RLIMIT_MEMLOCK'
  | 'RLIMIT_MSGQUEUE'
  | 'RLIMIT_NICE'
  | 'RLIMIT_NOFILE'
  | 'RLIMIT_NPROC'
  | 'RLIMIT_RSS'
  | 'RLIMIT_RTPRIO'
  | 'RLIMIT_RTTIME'
  | 'RLIMIT_SIGPENDING'
  | 'RLIMIT_STACK'

/** Unsigned, 2^64-1 (18446744073709551615) for no limit. */
export interface ConfigRlimit {
  readonly type: ConfigRlimitType
  readonly soft: Integer64
  readonly hard: Integer64
}

export type ConfigSchedulerPolicy =
  'SCHED_OTHER' | 'SCHED_FIFO' | 'SCHED_RR' | 'SCHED_BATCH' | 'SCHED_ISO' | 'SCHED_IDLE' | 'SCHED_DEADLINE'

export type ConfigSchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX'

/** What sched_setattr(2) takes. */
export interface ConfigScheduler {
  readonly policy: ConfigSchedulerPolicy
  /** -20 to 19, for SCHED_OTHER and SCHED_BATCH. */
  readonly nice?: number | undefined
  /** 1 to 99 for SCHED_FIFO and SCHED_RR, 0 or unset for the others. */
  readonly priority?: number | undefined
  readonly flags?: readonly ConfigSchedulerFlag[] | undefined
  /** In nanoseconds, for SCHED_DEADLINE, as the next two. */
  readonly runtime?: Integer64 | undefined
  readonly deadline?: Integer64 | undefined
  readonly period?: Integer64 | undefined
}

export type ConfigIoPriorityClass = 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'

/** What ioprio_set(2) takes. */
export interface ConfigIoPriority {
  readonly class: ConfigIoPriorityClass
  /** 0 (first) to 7 in its class. */
  readonly priority: number
}

/** Lists such as `0-1,7`. */
export interface ConfigCpuAffinity {
  /** While the process joins the container. */
  readonly initial?: string | undefined
  /** From when it is in the container's cgroup. */
  readonly final?: string | undefined
}
