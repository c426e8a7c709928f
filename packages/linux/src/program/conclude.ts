import { closeFd } from '../calls/descriptors.js'
import { pidfdOpen, waitid, waitidOfPid, type ExitStatus } from '../calls/processes.js'
import { isSyscallError, LinuxError, type SyscallError } from '../errors.js'
import type { Block } from '../memory.js'
import { onReadable } from '../readiness.js'
import { syscallOr } from '../syscall.js'
import { clonedPidAt, currentEntry, pidfdOf, pidOf, resultAt, type Compiled } from './compile.js'
import { failure, failureAt, snapshot, type Results } from './execute.js'
import { signal } from './printers.js'
import type { Program } from './program.js'

const SIGKILL = 9

/** The process that goes on after a program. */
export interface Concluded {
  readonly pid: number
  readonly pidfd: number
  readonly results: Results
}

/**
 * Sees what became of a child whose parent thread goes on, which means that it executes another program by
 * now, or has ended. Either one process comes out of it, or none is left.
 *
 * Where the child has cloned itself once more and left (`leave`), its clone, a sibling by `CLONE_PARENT`, is
 * the process that goes on. All of them are our children and only we reap them, so their pids are their own.
 *
 * The end of a child is waited for without stopping this thread: the first process of a pid namespace ends after all
 * others in there, and those may be ours to reap as well.
 *
 * @param pid - Process id of the child.
 */
export async function conclude(program: Program, compiled: Compiled, pid: number): Promise<Concluded> {
  const { block, writer } = compiled
  const chain = [pid, ...clonedPids(program, block)]
  const goesOn = chain.at(-1)!
  const first = pidfdOf(block)
  const statuses = chain.slice(0, -1).map((left) => reap(left)) // they have ended, or are about to
  const refused = failure(program, compiled) ?? fellOffItsEnd(program, block)
  if (refused === undefined && cameToItsEnd(program, block) && !statuses.some(wasKilled)) {
    const pidfd = goesOn === pid ? first : await replace(first, goesOn)
    writer.copyBack()
    return { pid: goesOn, pidfd, results: snapshot(program, compiled) }
  }
  closeFd(first)
  statuses.push(await end(goesOn))
  writer.copyBack()
  throw refused ?? died(program, block, statuses.find(wasKilled))
}

/** Sees what became of a child that ends with its program, and has ended: there is nothing left to wait for. */
export function concludeEnded(program: Program, compiled: Compiled): Results {
  const { block, writer } = compiled
  const pidfd = pidfdOf(block)
  const status = waitid(pidfd)
  closeFd(pidfd)
  writer.copyBack()
  const refused = failure(program, compiled)
  if (refused !== undefined) throw refused
  if (wasKilled(status) || !cameToItsEnd(program, block)) throw died(program, block, status)
  return snapshot(program, compiled)
}

/** Pid of the process that executes the program now: the child, or its clone where it has left. */
export function pidOnItsWay(program: Program, block: Block): number {
  return clonedPids(program, block).at(-1) ?? pidOf(block)
}

function clonedPids(program: Program, block: Block): number[] {
  const last = currentEntry(block)
  const pids: number[] = []
  for (let index = 0; index <= last; index++) {
    const { call, leave } = program.entries[index]!
    if (leave !== true) continue
    const pid = call === 'clone3' ? clonedPidAt(block, index) : resultAt(block, index)
    if (pid > 0) pids.push(pid)
  }
  return pids
}

/** Where the last `execve` failed with an error that it tolerates, nothing is left to be executed. */
function fellOffItsEnd(program: Program, block: Block): SyscallError | undefined {
  const index = currentEntry(block)
  const executes = program.entries[index]?.call.startsWith('execve') === true
  return executes && resultAt(block, index) < 0 ? failureAt(program, block, index) : undefined
}

/** A child that was killed on its way has begun an entry that neither failed nor ends the program. */
function cameToItsEnd(program: Program, block: Block): boolean {
  const call = program.entries[currentEntry(block)]?.call
  return call === 'execve' || call === 'execveat' || call === 'exit_group'
}

function died(program: Program, block: Block, status: ExitStatus | undefined): LinuxError {
  const entry = program.entries[currentEntry(block)]
  const doing = entry === undefined ? 'begin the program' : (entry.step ?? `call ${entry.call}`)
  const by = status?.signal === undefined ? '' : ` by ${signal(status.signal)}`
  return new LinuxError(
    'ERR_LINUX_CHILD_DIED',
    `cannot ${doing}: the process was killed${by} before it came to its program; a memory limit that is too small does that`,
  )
}

function wasKilled(status: ExitStatus | undefined): boolean {
  return status?.signal !== undefined
}

/** A pidfd of the process that goes on, in place of that of the one that left. */
async function replace(first: number, goesOn: number): Promise<number> {
  closeFd(first)
  try {
    return pidfdOpen(goesOn)
  } catch (error) {
    await end(goesOn)
    throw error
  }
}

/** Ends a child that must not go on, if it has not ended yet, and reaps it. */
async function end(pid: number): Promise<ExitStatus | undefined> {
  syscallOr(['ESRCH'], 'kill', pid, SIGKILL)
  const pidfd = syscallOr(['ESRCH'], 'pidfd_open', pid, 0)
  if (pidfd === 'ESRCH') return undefined // somebody else has reaped it
  await new Promise<void>((resolve) => onReadable(pidfd, resolve))
  closeFd(pidfd)
  return reap(pid)
}

/** Takes a child that ends out of the process table; undefined where somebody else has. */
function reap(pid: number): ExitStatus | undefined {
  try {
    return waitidOfPid(pid)
  } catch (error) {
    if (isSyscallError(error) && error.code === 'ECHILD') return undefined
    throw error
  }
}
