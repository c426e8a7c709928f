import { LinuxError, SyscallError } from '../errors.js'
import { giveBack } from '../memory.js'
import { runOnPool } from '../pool.js'
import { childFlags, compile, type CloneOptions, type Compiled } from './compile.js'
import { conclude, pidOnItsWay } from './conclude.js'
import type { Results } from './execute.js'
import { childBegins, childEnded } from './on-their-way.js'
import { cloneFlags } from './printers.js'
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
  /**
   * Process id, for what its parent must do while it waits in a `read`; of its clone once it has cloned itself
   * and left. 0 before the child exists, and again when it has failed, as it is reaped then.
   */
  readonly pid: number
  /** Resolves when the program has ended in `execve`; rejects with the entry that failed, the child reaped. */
  readonly completed: Promise<StartedChild>
}

/**
 * Starts a child that executes a program, the last entry of which is an `execve` (or `execveat`, or an
 * `exit_group` for a child that only does something). The calling thread is one of libuv's pool, so the event
 * loop goes on and many children start side by side; more than the pool has threads wait their turn.
 *
 * The child shares this process's memory until its `execve`. All signals are blocked meanwhile and handlers
 * are reset; the program itself restores what it wants (`rt_sigaction`, `rt_sigprocmask`), closes what the
 * new program must not have (`close_range`), and makes itself undumpable before it joins a namespace with
 * processes that are not trusted. This process is undumpable then, too, until no child is on its way any
 * more. Worker threads do not know of each other's children: such programs belong in one thread.
 *
 * While a program waits for its parent (a `read` of a pipe) it holds a thread of the pool, so what it waits
 * for must not need the pool itself, as asynchronous file access does.
 *
 * `completed` rejects with
 * - {@link SyscallError}: the entry that failed, or `clone3` itself (`EPERM`: namespaces need privileges or a
 *   user namespace; `ENOSPC`: a limit of namespaces is reached; `EMFILE`: no descriptor left for the pidfd);
 * - {@link LinuxError} `ERR_LINUX_CHILD_DIED`: the child was killed on its way.
 *
 * @param program - System calls of the child.
 * @param clone - New namespaces, and the cgroup to begin in.
 * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: the program does not end in `execve`, or an argument
 *   cannot be handed to the kernel.
 * @see {@link https://man7.org/linux/man-pages/man2/clone3.2.html}
 */
export function start(program: Program, clone: CloneOptions): StartingChild {
  checkEnding(program)
  const compiled = compile(program, clone)
  let ended = false // from then on the memory is somebody else's
  let pid = 0
  const completed = run(program, compiled, clone, (child) => {
    ended = true
    pid = child?.pid ?? 0
  })
  return {
    get pid() {
      return ended ? pid : pidOnItsWay(program, compiled.block)
    },
    completed,
  }
}

/**
 * Runs the child up to its `execve`, and takes what it left in memory.
 *
 * @param over - Called when the memory is about to be given back, with the child if there is one.
 */
async function run(
  program: Program,
  { block, writer }: Compiled,
  clone: CloneOptions,
  over: (child: StartedChild | undefined) => void,
): Promise<StartedChild> {
  let child: StartedChild | undefined
  try {
    childBegins()
    try {
      const result = await runOnPool(block.address)
      if (result < 0) throw cloneFailure(-result, clone)
      child = await conclude(program, { block, writer }, result)
      return child
    } finally {
      childEnded()
    }
  } finally {
    over(child)
    giveBack(block)
  }
}

const endings: ReadonlySet<string | undefined> = new Set(['execve', 'execveat', 'exit_group'])

function checkEnding({ entries }: Program): void {
  const last = entries.at(-1)?.call
  if (endings.has(last)) return
  throw new LinuxError(
    'ERR_LINUX_INVALID_ARG',
    `cannot start a program that ends in ${last ?? 'nothing'}: its last entry must be execve, execveat or exit_group`,
  )
}

/** The error of a clone3 that the kernel refuses. */
export function cloneFailure(errno: number, { flags, cgroup }: CloneOptions): SyscallError {
  const args = [
    `{flags: ${cloneFlags(childFlags(flags, cgroup))}${cgroup === undefined ? '' : `, cgroup: ${cgroup}`}}`,
  ]
  return new SyscallError({ errno, syscall: 'clone3', args, step: 'make a process in new namespaces' })
}
