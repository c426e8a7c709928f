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

/** A child that executes its last program, or is about to. */
export interface Child {
  readonly pid: number
  /** Owned by the caller. */
  readonly pidfd: number
}

/** A child that has entered its pid namespace, on its way to its last program. */
export interface EnteringChild {
  /** Process id; 0 when it has failed, as it is reaped then. */
  readonly pid: number
  readonly completed: Promise<Child>
}

/**
 * Sees a child enter its pid namespace, which it does by cloning itself and leaving.
 *
 * @param first - The process that clones itself.
 * @param program - What it executes.
 * @param reports - Where both of them report; its other end is closed here.
 * @throws {@link SyscallError} It could not; nothing is left.
 */
export async function seeEntry(first: Child, program: Program, reports: number): Promise<EnteringChild> {
  const left = (report: FailureReport): boolean =>
    report.result > 0 && program.entries[report.entry]?.leave === true
  const found: FailureReport[] = []
  for (;;) {
    const report = await nextReport(reports)
    if (report === undefined) break
    found.push(report)
    if (left(report)) break
  }
  await end(first)
  const pid = found.find(left)?.result
  if (pid === undefined || !isOurs(pid)) {
    const failure = found.find(({ result }) => result < 0)
    throw failure === undefined ? killed() : reportedFailure(program, failure)
  }
  const child = { pid, pidfd: pidfdOpen(pid) }
  let ended = false
  const completed = (async () => {
    const more = found.filter((report) => !left(report))
    const next = async (): Promise<FailureReport | undefined> => more.shift() ?? (await nextReport(reports))
    let report = await next()
    const cameToItsEnd = report?.entry === AT_INIT
    if (cameToItsEnd) report = await next()
    if (cameToItsEnd && report === undefined) return child
    ended = true
    await end(child)
    throw report === undefined ? killed() : reportedFailure(program, report)
  })()
  completed.catch(() => undefined) // whoever waits for it may do so later
  return {
    get pid() {
      return ended ? 0 : pid
    },
    completed,
  }
}

/** The next report; undefined when whoever could write one has ended, or executes another program. */
async function nextReport(reports: number): Promise<FailureReport | undefined> {
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
