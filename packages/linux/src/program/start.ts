import { PR_GET_DUMPABLE, PR_SET_DUMPABLE } from '../constants/process.js'
import { LinuxError, type SyscallError } from '../errors.js'
import { closeFd } from '../calls/descriptors.js'
import { pidfdOpen, waitid } from '../calls/processes.js'
import { syscall } from '../syscall.js'
import { SyscallError as KernelError } from '../errors.js'
import { giveBack } from '../memory.js'
import { native } from '../native.js'
import { compile, currentEntry, pidfdOf, pidOf, resultAt, type CloneOptions, type Compiled } from './compile.js'
import { failure, snapshot, type Results } from './execute.js'
import type { Program } from './program.js'

/** A child that executes a program; it is a process of its own from the `execve` of its last entry on. */
export interface StartedChild {
  /** Process id as this process sees it. */
  readonly pid: number
  /** Descriptor of the process, close-on-exec, owned by the caller. */
  readonly pidfd: number
  /** Results of the program's entries. */
  readonly results: Results
}

/** A child on its way through its program. */
export interface StartingChild {
  /** Process id, 0 before the child exists: for maps that its parent must write while it waits in a `read`. */
  readonly pid: number
  /** Resolves when the program has ended in `execve`; rejects with the entry that failed, the child reaped. */
  readonly completed: Promise<StartedChild>
}

/**
 * Starts a child that executes a program, the last entry of which is an `execve`. The calling thread is one
 * of libuv's pool, so the event loop goes on and many children start side by side.
 *
 * The child shares this process's memory until its `execve`. All signals are blocked meanwhile and handlers
 * are reset; the program itself restores what it wants (`rt_sigaction`, `rt_sigprocmask`), closes what the
 * new program must not have (`close_range`), and makes itself undumpable before it joins a namespace with
 * processes that are not trusted.
 *
 * @param program - System calls of the child.
 * @param clone - New namespaces, and the cgroup to begin in.
 * @see {@link https://man7.org/linux/man-pages/man2/clone3.2.html}
 */
export function start(program: Program, clone: CloneOptions): StartingChild {
  const compiled = compile(program, clone)
  const { address } = compiled.block
  begin()
  const cloned = new Promise<number>((resolve) => {
    native().runOnPool(address, (_error, result) => resolve(result))
  })
  return {
    get pid() {
      return pidOf(compiled.block)
    },
    completed: cloned.then((result) => complete(program, compiled, result, clone)),
  }
}

function complete(program: Program, compiled: Compiled, result: number, clone: CloneOptions): StartedChild {
  try {
    end()
    if (result < 0) throw cloneFailure(-result, clone)
    const child = followClones(program, compiled, { pid: result, pidfd: pidfdOf(compiled.block) })
    const failed = failure(program, compiled) ?? died(program, compiled)
    if (failed !== undefined) {
      reap(child.pidfd)
      throw failed
    }
    compiled.writer.copyBack()
    return { ...child, results: snapshot(program, compiled) }
  } finally {
    giveBack(compiled.block)
  }
}

/**
 * Where the child has cloned itself once more and left (`leave`), its clone, a sibling by `CLONE_PARENT`, is
 * the process that goes on. Nobody else can have reaped it, so its pid is still its own.
 */
function followClones(
  program: Program,
  { block }: Compiled,
  first: { pid: number; pidfd: number },
): { pid: number; pidfd: number } {
  let child = first
  const last = currentEntry(block)
  program.entries.forEach(({ leave }, index) => {
    if (leave !== true || index > last) return
    const pid = resultAt(block, index)
    if (pid <= 0) return
    const pidfd = pidfdOpen(pid)
    reap(child.pidfd)
    child = { pid, pidfd }
  })
  return child
}

/** Takes a child that has ended, or is about to, out of the process table. */
function reap(pidfd: number): void {
  waitid(pidfd)
  closeFd(pidfd)
}

/** A child that was killed on its way has begun an entry that is not its last and has not failed. */
function died(program: Program, compiled: Compiled): LinuxError | undefined {
  const index = currentEntry(compiled.block)
  const entry = program.entries[index]
  if (entry === undefined || entry.call.startsWith('execve') || entry.leave === true) return undefined
  const doing = entry.step ?? `call ${entry.call}`
  return new LinuxError(
    'ERR_LINUX_CHILD_DIED',
    `cannot ${doing}: the process was killed before it came to its program; a memory limit that is too small does that`,
  )
}

function cloneFailure(errno: number, { flags, cgroup }: CloneOptions): SyscallError {
  const args = [
    `CLONE_VM|CLONE_VFORK|0x${flags.toString(16)}`,
    ...(cgroup === undefined ? [] : [`cgroup ${cgroup}`]),
  ]
  return new KernelError({ errno, syscall: 'clone3', args, step: 'make a process in new namespaces' })
}

/**
 * A child that changes its ids or makes itself undumpable does so to the memory that it shares with this
 * process. When no child is on its way any more, this process becomes dumpable again if it was before.
 */
let onTheirWay = 0
let dumpable: boolean | undefined

function begin(): void {
  dumpable ??= syscall('prctl', PR_GET_DUMPABLE) === 1
  onTheirWay++
}

function end(): void {
  onTheirWay--
  if (onTheirWay === 0 && dumpable === true) syscall('prctl', PR_SET_DUMPABLE, 1)
}
