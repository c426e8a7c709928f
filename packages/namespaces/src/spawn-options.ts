import type { Program } from '@ctr/linux'
import type { IdMaps } from './ids/id-map.js'
import type { ProcessAttributes } from './attributes/attributes.js'
import type { Console } from './setup/console.js'
import type { Credentials } from './setup/credentials.js'
import type { TimeOffsets } from './setup/enter.js'
import type { Gate } from './setup/init.js'
import type { Stdio } from './setup/stdio.js'
import type { NamespaceSources } from './source.js'

/** What to start, where, and as whom. */
export interface SpawnOptions extends Credentials, ProcessAttributes {
  /** Program and arguments, at least one. Without a slash the program is searched in `PATH` of `env`. */
  readonly command: readonly string[]
  /** Path of the program, where `command[0]` is only the name that it is to see. */
  readonly executable?: string | undefined
  /** The whole environment. Default: this process's own. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Working directory inside. Default: unchanged, `/` once `prepare` has changed the root. */
  readonly cwd?: string | undefined
  /** Namespaces by kind; a kind that is not named is inherited. */
  readonly namespaces?: NamespaceSources | undefined
  /** Id maps of a new user namespace. Default: the caller's own ids become root inside. */
  readonly idMaps?: IdMaps | undefined
  /** Clock offsets of a new time namespace. */
  readonly timeOffsets?: TimeOffsets | undefined
  /** Host name in a new or joined UTS namespace. */
  readonly hostname?: string | undefined
  /** NIS domain name in a new or joined UTS namespace, at most 64 bytes. */
  readonly domainname?: string | undefined
  /** Standard input, output and error. Default `'inherit'`. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio] | undefined
  /**
   * Whom the pipes among the streams belong to, by ids of ours: a process in a user namespace that has no id for us
   * could not open its `/dev/stdout`. Default: us. Needs `CAP_CHOWN`.
   */
  readonly pipeOwner?: { readonly uid: number; readonly gid: number } | undefined
  /**
   * Becomes its controlling terminal and all three streams: the process's side of a terminal (`openTerminal`), or one
   * that the process opens itself, in the devpts that it sees at `/dev/pts` after `prepare`, and sends us.
   */
  readonly terminal?: number | Console | undefined
  /** Begin a session of its own, apart from our terminal. Default: when namespaces are given or joined. */
  readonly session?: boolean | undefined
  /** Ends the child when it is aborted before its command is executed; `spawn` rejects with an `AbortError` then. */
  readonly signal?: AbortSignal | undefined
  /** v2 cgroup folder to begin in, open with `O_PATH`. */
  readonly cgroup?: number | undefined
  /** Descriptors that the program is to have besides, by the same numbers: that many from 3 on, or these. */
  readonly preserveFds?: number | readonly number[] | undefined
  /** Adds what the child does first, while it still sees everything as we do: joining cgroups. */
  readonly before?: ((program: Program) => void) | undefined
  /**
   * Adds joining cgroups, through descriptors of ours, after `before`. A child that enters a pid namespace does it
   * when it has nothing of our memory left: one that is frozen in its cgroup would hold a thread of ours.
   */
  readonly groups?: { readonly fds: readonly number[]; readonly join: (program: Program) => void } | undefined
  /**
   * Called when the child has come to the pause that `prepare` has added; it waits meanwhile. When this fails the
   * child is ended, and `spawn` rejects with the same error.
   */
  readonly meanwhile?: ((pid: number) => void | Promise<void>) | undefined
  /** Descriptors of ours that `prepare` uses; the child has no others left by then. */
  readonly prepareFds?: readonly number[] | undefined
  /**
   * Adds what the child does once it is in its namespaces: mounts, a new root. `pause` adds a pause in which
   * `meanwhile` is called; without one it is not called.
   */
  readonly prepare?: ((program: Program, pause: () => void) => void) | undefined
  /** Descriptors of the child that `prepare` has left open for `finish`, by numbers of its choice. */
  readonly finishFds?: readonly number[] | undefined
  /** Adds what it does when it has nothing of this process left, before it takes on its credentials. */
  readonly finish?: ((program: Program) => void) | undefined
  /**
   * Where it waits before it executes its command. `spawn` then resolves when it is there; what fails afterwards
   * is reported to whoever reads the gate's reports by then.
   */
  readonly gate?: Gate | undefined
}
