import { writeFileSync } from 'node:fs'
import {
  closeFd,
  Fd,
  O_CLOEXEC,
  openExecutable,
  pipe2,
  reportedFailure,
  start,
  type Program,
} from '@ctr/linux'
import { abortError, endOnAbort } from './abort.js'
import { checkAttributes } from './attributes/attributes.js'
import { HEARS_PARENT } from './attributes/parent-death.js'
import { end, followEntry, killed, nextReport, type Child, type EnteringChild } from './follow-entry.js'
import { NamespacesError } from './errors.js'
import { explainFailure } from './failure.js'
import { checkIdMaps, ownIdMaps } from './ids/id-map.js'
import { writeIdMaps } from './ids/write-id-maps.js'
import { inherit, openStdio } from './open-stdio.js'
import { SpawnedProcess } from './process.js'
import {
  assembleEntry,
  assembleInit,
  assembleSetup,
  needsClockPause,
  type EntryFds,
  type Resources,
} from './setup/assemble.js'
import { openCloneNote } from './setup/clone-note.js'
import { cloneFlags, meetsOthers, offsetText } from './setup/enter.js'
import { AT_GATE, type Gate } from './setup/init.js'
import { atPause, openPausePipes, takeTurn } from './setup/pause.js'
import type { StdioFds } from './setup/stdio.js'
import { resolveSources } from './source.js'
import type { SpawnOptions } from './spawn-options.js'

/**
 * The programs that `spawn` would execute, one after the other; print them with `explain()` of `@ctr/linux`.
 * Descriptors that it would open show as 0.
 */
export function describe(options: SpawnOptions): readonly Program[] {
  using sources = resolveSources(options.namespaces ?? {})
  const pipes = needsPause(options, sources.made) ? { ready: 0, go: 0, goOther: 0 } : undefined
  const stdio = (options.stdio ?? inherit).map((value, target) =>
    typeof value === 'number' ? value : value === 'ignore' ? undefined : target,
  ) as unknown as StdioFds
  const report = options.gate?.report ?? 0
  const entry = meetsOthers(sources) ? { file: 0, report: 0, note: 0 } : undefined
  const resources = { sources, stdio, pipes, report, init: 0, entry }
  return [
    assembleSetup(options, resources),
    ...(entry === undefined ? [] : [assembleEntry(options, { ...resources, entry })]),
    assembleInit(options, { sources, report }),
  ]
}

/**
 * Starts a process in any mix of new, joined and inherited namespaces, without a helper program. What it does
 * before its `execve` are system-call programs. The first one is executed while it shares the memory of this
 * process. The last one is an executable file of its own, so that nothing of this process is left when the
 * process takes on its credentials: a command that leads back to `/proc/self/exe` finds that file, not Node. Where
 * others have power over the child on its way (in a pid namespace that it enters, or with the ids of another user
 * namespace), another such program comes between them: they can see nothing of this process, nor hold it up.
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
  checkAttributes(options)
  if (options.gate !== undefined && options.parentDeathSignal !== undefined) {
    throw new NamespacesError(
      'ERR_NAMESPACES_INVALID_ARG',
      'cannot start a process: a signal at the end of its parent has no meaning for one that waits at a gate',
    )
  }
  using sources = resolveSources(options.namespaces ?? {})
  using pipes = needsPause(options, sources.made) ? openPausePipes() : undefined
  const meets = meetsOthers(sources)
  using _turn = options.meanwhile === undefined || meets ? undefined : await takeTurn()
  using stdio = openStdio(options.stdio, options.terminal, options.pipeOwner)
  using reports = openReports(options.gate)
  using abort = endOnAbort(options.signal)
  let init: Program | undefined
  try {
    const { report } = reports
    const assembled = assembleInit(options, { sources, report })
    using file = openExecutable(assembled, report)
    const resources = { sources, stdio: stdio.child, pipes, report, init: file.number }
    using entry = meets ? openEntry(options, resources) : undefined
    const setup = assembleSetup(options, { ...resources, entry: entry?.fds })
    const starting = start(setup, { flags: cloneFlags(sources), cgroup: options.cgroup })
    abort.watch(starting)
    const going = entry === undefined ? starting : entry.follow(await starting.completed)
    abort.watch(going)
    if (pipes !== undefined && sources.made.includes('user')) {
      const maps = options.idMaps ?? ownIdMaps()
      await atPause(going, pipes, (pid) => writeIdMaps(pid, maps))
    }
    if ('entered' in going) await going.entered
    if (pipes !== undefined && needsClockPause(options, sources)) {
      await atPause(going, pipes, (pid) => {
        writeFileSync(`/proc/${pid}/timens_offsets`, offsetText(options.timeOffsets ?? {}))
      })
    }
    if (pipes !== undefined && options.meanwhile !== undefined) {
      await atPause(going, pipes, options.meanwhile)
    }
    const child = await going.completed
    abort.watch(child)
    init = assembled
    reports.closeReport()
    await seeInit(child, reports.reports, assembled, options.gate !== undefined)
    if (options.signal?.aborted === true) await end(child)
    options.signal?.throwIfAborted()
    return new SpawnedProcess(child.pid, child.pidfd, stdio.keepParentEnds())
  } catch (error) {
    if (options.signal?.aborted === true) throw abortError(options.signal)
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
  if (gate !== undefined) {
    const { report, reports } = gate
    const closeReport = (): void => {
      gate.closeChildEnds()
    }
    return { report, reports, closeReport, [Symbol.dispose]: () => undefined }
  }
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

interface Entry extends Disposable {
  readonly fds: EntryFds
  /** Follows the child that has executed the program. */
  follow(first: Child): EnteringChild
}

/** Opens the program by which a child comes to namespaces where others have power over it, and what it needs. */
function openEntry(options: SpawnOptions, resources: Omit<Resources, 'entry'>): Entry {
  const opened: Disposable[] = []
  const close = (): void => {
    for (const each of opened) each[Symbol.dispose]()
  }
  try {
    const reports = openReports(undefined)
    opened.push(reports)
    const { report } = reports
    const note = openCloneNote()
    opened.push(note)
    const fds = { report, note: note.number }
    const program = assembleEntry(options, { ...resources, entry: { file: 0, ...fds } })
    const file = openExecutable(program, report)
    opened.push(file)
    return {
      fds: { file: file.number, ...fds },
      follow(first) {
        reports.closeReport()
        return followEntry(first, program, { reports: reports.reports, note: note.number })
      },
      [Symbol.dispose]: close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/**
 * Waits until the last program has executed the command, which closes its end of the pipe, or is at its gate.
 *
 * @throws {@link SyscallError} The entry that failed; the child has been reaped.
 */
async function seeInit(child: Child, reports: number, init: Program, gated: boolean): Promise<void> {
  let report = await nextReport(reports)
  if (report?.entry === HEARS_PARENT) report = await nextReport(reports)
  if (gated ? report?.entry === AT_GATE : report === undefined) return
  await end(child) // it is about to
  throw report === undefined ? killed() : reportedFailure(init, report)
}
