import { readFileSync, readSync } from 'node:fs'
import {
  closeFd,
  onReadable,
  parseReport,
  pidfdOpen,
  pidfdSendSignal,
  REPORT_SIZE,
  reportedFailure,
  waitid,
  type FailureReport,
  type Program,
} from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { AT_INIT } from './setup/assemble.js'
import { readCloneNote } from './setup/clone-note.js'

/** A child that executes its last program, or is about to. */
export interface Child {
  readonly pid: number
  /** Owned by the caller. */
  readonly pidfd: number
}

/** A child that executes the program in between. */
export interface EnteringChild {
  /** Process id, also after it has cloned itself and left; 0 when it has failed, as it is reaped then. */
  readonly pid: number
  /** Resolves when it has entered its pid namespace, if it enters one. */
  readonly entered: Promise<void>
  /** Resolves when it has come to its last program. */
  readonly completed: Promise<Child>
}

/**
 * Follows a child through the program in between. It enters a pid namespace by cloning itself and leaving.
 *
 * `entered` and `completed` reject with the {@link SyscallError} of the entry that failed; nothing is left then.
 *
 * @param first - The process that has executed the program.
 * @param program - What it executes.
 * @param fds - `reports`: where it reports, and its clone does; the other end is closed here. `note`: see
 *   `setup/clone-note.ts`.
 */
export function followEntry(
  first: Child,
  program: Program,
  { reports, note }: { readonly reports: number; readonly note: number },
): EnteringChild {
  let child = first
  let ended = false
  const fail = async (report: FailureReport | undefined): Promise<never> => {
    ended = true
    await end(child)
    if (child === first) await endUnreported(note)
    throw report === undefined ? killed() : reportedFailure(program, report)
  }
  const found: FailureReport[] = []
  const next = async (): Promise<FailureReport | undefined> => found.shift() ?? (await nextReport(reports))
  const enter = async (): Promise<void> => {
    if (!program.entries.some(({ leave }) => leave === true)) return
    const pid = await seeLeave(program, next, found)
    if (typeof pid !== 'number') return fail(pid)
    await end(first)
    child = { pid, pidfd: pidfdOpen(pid) }
  }
  const entered = enter()
  const complete = async (): Promise<Child> => {
    await entered
    let report = await next()
    const cameToItsEnd = report?.entry === AT_INIT
    if (cameToItsEnd) report = await next()
    return cameToItsEnd && report === undefined ? child : fail(report)
  }
  const completed = complete()
  for (const promise of [entered, completed]) promise.catch(() => undefined) // whoever waits for it may do so later
  return {
    get pid() {
      return ended ? 0 : child.pid
    },
    entered,
    completed,
  }
}

/**
 * Sees the process leave.
 *
 * @param before - Reports of its clone that come earlier are put here.
 * @returns Pid of its clone, or what it reports instead.
 */
async function seeLeave(
  program: Program,
  next: () => Promise<FailureReport | undefined>,
  before: FailureReport[],
): Promise<number | FailureReport | undefined> {
  const early: FailureReport[] = []
  for (;;) {
    const report = await next()
    if (report === undefined) return early.find(({ result }) => result < 0)
    if (report.result > 0 && program.entries[report.entry]?.leave === true) {
      before.push(...early)
      return isOurs(report.result) ? report.result : undefined
    }
    early.push(report)
  }
}

/** The next report; undefined when whoever could write one has ended, or executes another program. */
export async function nextReport(reports: number): Promise<FailureReport | undefined> {
  await readable(reports)
  const bytes = Buffer.alloc(REPORT_SIZE)
  return readSync(reports, bytes) < REPORT_SIZE ? undefined : parseReport(bytes)
}

/** Ends a child, and reaps it. */
export async function end({ pidfd }: Child): Promise<void> {
  pidfdSendSignal(pidfd, 9)
  await readable(pidfd)
  waitid(pidfd)
  closeFd(pidfd)
}

/** Ends the clone of a process that has ended before it could report it. */
async function endUnreported(note: number): Promise<void> {
  const pid = readCloneNote(note)
  if (pid !== undefined && isOurs(pid)) await end({ pid, pidfd: pidfdOpen(pid) })
}

/** The report of a process that somebody inside has taken over must not make us take another one for our child. */
function isOurs(pid: number): boolean {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]) === process.pid
  } catch {
    return false
  }
}

/** The error of a process that was killed before it came to its command. */
export function killed(): NamespacesError {
  return new NamespacesError(
    'ERR_NAMESPACES_START',
    'cannot start a process: it was killed on its way; a memory limit that is too small does that',
  )
}

/** Resolves when there is something to read, or the end. */
export function readable(fd: number): Promise<void> {
  return new Promise((resolve) => onReadable(fd, resolve))
}
