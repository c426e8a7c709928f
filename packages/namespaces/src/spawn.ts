import { readSync } from 'node:fs'
import {
  closeFd,
  Fd,
  O_CLOEXEC,
  onReadable,
  openExecutable,
  parseReport,
  pipe2,
  pidfdSendSignal,
  REPORT_SIZE,
  reportedFailure,
  start,
  waitid,
  type Program,
  type StartedChild,
} from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { explainFailure } from './failure.js'
import { checkIdMaps, ownIdMaps, writeIdMaps, type IdMaps } from './id-map.js'
import { inherit, openStdio } from './open-stdio.js'
import { SpawnedProcess } from './process.js'
import { assembleInit, assembleSetup } from './setup/assemble.js'
import type { Credentials } from './setup/credentials.js'
import { cloneFlags, type TimeOffsets } from './setup/enter.js'
import { AT_GATE, type Gate } from './setup/init.js'
import { atPause, openPausePipes } from './setup/pause.js'
import type { Stdio, StdioFds } from './setup/stdio.js'
import { resolveSources, type NamespaceSources } from './source.js'

/** What to start, where, and as whom. */
export interface SpawnOptions extends Credentials {
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
  /** Standard input, output and error. Default `'inherit'`. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio] | undefined
  /** The process's side of a terminal: becomes its controlling terminal and all three streams. */
  readonly terminal?: number | undefined
  /** Begin a session of its own, apart from our terminal. Default: when namespaces are given or joined. */
  readonly session?: boolean | undefined
  /** v2 cgroup folder to begin in, open with `O_PATH`. */
  readonly cgroup?: number | undefined
  /** Descriptors from 3 on that the program is to have besides, as they are: that many from 3 upwards. */
  readonly preserveFds?: number | undefined
  /** Adds what the child does first, while it still sees everything as we do: joining cgroups. */
  readonly before?: ((program: Program) => void) | undefined
  /**
   * Called when the child is in its namespaces, before `prepare`: it waits meanwhile. When this fails the child
   * is ended, and `spawn` rejects with the same error.
   */
  readonly meanwhile?: ((pid: number) => void | Promise<void>) | undefined
  /** Descriptors of ours that `prepare` uses; the child has no others left by then. */
  readonly prepareFds?: readonly number[] | undefined
  /** Adds what the child does once it is in its namespaces: mounts, a new root. */
  readonly prepare?: ((program: Program) => void) | undefined
  /** Adds what it does when it has nothing of this process left, before it takes on its credentials. */
  readonly finish?: ((program: Program) => void) | undefined
  /**
   * Where it waits before it executes its command. `spawn` then resolves when it is there; what fails afterwards
   * is reported to whoever reads the gate's reports by then.
   */
  readonly gate?: Gate | undefined
}

/**
 * The programs that `spawn` would execute, one after the other; print them with `explain()` of `@ctr/linux`.
 * Descriptors that it would open show as 0.
 */
export function describe(options: SpawnOptions): readonly [setup: Program, init: Program] {
  using sources = resolveSources(options.namespaces ?? {})
  const pipes = needsPause(options, sources.made) ? { ready: 0, go: 0, goOther: 0 } : undefined
  const stdio = (options.stdio ?? inherit).map((value, target) =>
    typeof value === 'number' ? value : value === 'ignore' ? undefined : target,
  ) as unknown as StdioFds
  const report = options.gate?.report ?? 0
  return [assembleSetup(options, { sources, stdio, pipes, report, init: 0 }), assembleInit(options, report)]
}

/**
 * Starts a process in any mix of new, joined and inherited namespaces, without a helper program. What it does
 * before its `execve` are two system-call programs. The first one is executed while it shares the memory of this
 * process. The second one is an executable file of its own, so that nothing of this process is left when the
 * process takes on its credentials: a command that leads back to `/proc/self/exe` finds that file, not Node.
 *
 * Resolves once the command has been executed. When a step fails nothing is left.
 *
 * @throws {@link NamespacesError}
 *   - `ERR_NAMESPACES_INVALID_ARG`: no command, bad maps, a NUL byte.
 *   - `ERR_NAMESPACES_NOT_FOUND`: a namespace to join does not exist.
 *   - `ERR_NAMESPACES_COMMAND_NOT_FOUND`, `ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE`.
 *   - `ERR_NAMESPACES_ID_MAP`: the kernel refuses the id maps.
 *   - `ERR_NAMESPACES_START`: any other step; `cause` is the `SyscallError` with call, arguments and errno.
 *
 * @example A shell that sees only itself
 * const child = await spawn({ command: ['ps', 'ax'], namespaces: { pid: 'new', mount: 'new' }, prepare: mountProc })
 * const { exitCode } = await child.wait()
 */
export async function spawn(options: SpawnOptions): Promise<SpawnedProcess> {
  if (options.command.length === 0) {
    throw new NamespacesError('ERR_NAMESPACES_INVALID_ARG', 'cannot start a process: the command is empty')
  }
  if (options.idMaps !== undefined) checkIdMaps(options.idMaps)
  using sources = resolveSources(options.namespaces ?? {})
  using pipes = needsPause(options, sources.made) ? openPausePipes() : undefined
  using stdio = openStdio(options.stdio, options.terminal)
  using reports = openReports(options.gate)
  let init: Program | undefined
  try {
    const { report } = reports
    const assembled = assembleInit(options, report)
    using file = openExecutable(assembled, report)
    const resources = { sources, stdio: stdio.child, pipes, report, init: file.number }
    const setup = assembleSetup(options, resources)
    const starting = start(setup, { flags: cloneFlags(sources), cgroup: options.cgroup })
    if (pipes !== undefined && sources.made.includes('user')) {
      const maps = options.idMaps ?? ownIdMaps()
      await atPause(starting, pipes, (pid) => {
        writeIdMaps(pid, maps)
      })
    }
    if (pipes !== undefined && options.meanwhile !== undefined) {
      await atPause(starting, pipes, options.meanwhile)
    }
    const child = await starting.completed
    init = assembled
    reports.closeReport()
    await seeInit(child, reports.reports, assembled, options.gate !== undefined)
    return new SpawnedProcess(child.pid, child.pidfd, stdio.keepParentEnds())
  } catch (error) {
    throw explainFailure(error, options.executable ?? options.command[0]!, init !== undefined)
  }
}

function needsPause({ meanwhile }: SpawnOptions, made: readonly string[]): boolean {
  return meanwhile !== undefined || made.includes('user')
}

interface Reports extends Disposable {
  readonly report: number
  readonly reports: number
  /** From then on only the child can report. */
  closeReport(): void
}

function openReports(gate: Gate | undefined): Reports {
  if (gate !== undefined) return { ...gate, closeReport: () => undefined, [Symbol.dispose]: () => undefined }
  const [reports, report] = pipe2(O_CLOEXEC)
  const ours = new Fd(report)
  return {
    report,
    reports,
    closeReport: () => {
      ours.close()
    },
    [Symbol.dispose]() {
      ours.close()
      closeFd(reports)
    },
  }
}

/**
 * Waits until the second program has executed the command, which closes its end of the pipe, or is at its gate.
 *
 * @throws {@link SyscallError} The entry that failed; the child has been reaped.
 */
async function seeInit(child: StartedChild, reports: number, init: Program, gated: boolean): Promise<void> {
  await readable(reports)
  const bytes = Buffer.alloc(REPORT_SIZE)
  const report = readSync(reports, bytes) < REPORT_SIZE ? undefined : parseReport(bytes)
  if (gated ? report?.entry === AT_GATE : report === undefined) return
  pidfdSendSignal(child.pidfd, 9) // it is about to exit
  await readable(child.pidfd)
  waitid(child.pidfd)
  closeFd(child.pidfd)
  if (report !== undefined) throw reportedFailure(init, report)
  throw new NamespacesError(
    'ERR_NAMESPACES_START',
    'cannot start a process: it was killed on its way; a memory limit that is too small does that',
  )
}

function readable(fd: number): Promise<void> {
  return new Promise((resolve) => onReadable(fd, resolve))
}
