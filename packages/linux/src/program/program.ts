import { errnoNumber } from '../errno.js'
import { LinuxError } from '../errors.js'
import { syscallNumber, type SyscallName } from '../syscall-number.js'
import { Ref, type Argument } from './argument.js'
import { MAX_TOLERATED } from './layout.js'

/** What is expected of an entry, and what it is for. */
export interface EntryOptions {
  /** Errors that do not end the program: at most four, by name (`['EEXIST']`). */
  readonly tolerate?: readonly string[] | undefined
  /**
   * A smaller result is a failure. Default 0, so that only errors fail; 1 makes a `read` fail at the end of
   * its pipe; `'any'` lets every result pass.
   */
  readonly minimum?: number | 'any' | undefined
  /**
   * A result above 0 ends this process, successfully: for the parent side of a `clone3` within a program,
   * where the child goes on with the next entry.
   */
  readonly leave?: boolean | undefined
  /** What the entry is for, as an error message says it: `'mount the root file system'`. */
  readonly step?: string | undefined
}

/** An entry of a {@link Program}. */
export interface Entry extends EntryOptions {
  readonly call: SyscallName
  readonly args: readonly Argument[]
}

/**
 * A list of system calls with their arguments, to be executed one after the other by a new process or by a
 * thread of this one, without any other code in between. The first result that is not expected ends it.
 */
export class Program {
  readonly #entries: Entry[] = []
  #step: string | undefined

  /** The entries so far, in order. */
  get entries(): readonly Entry[] {
    return this.#entries
  }

  /**
   * Adds a system call.
   *
   * @param call - Name of the system call, as in its man page.
   * @param args - Its arguments, at most six. A {@link Ref} stands for the result of an earlier entry.
   * @param options - Tolerated errors, smallest good result, what it is for.
   * @returns The result of this entry, for arguments of later ones and for `results.get()` afterwards.
   * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: unknown call or errno, too many arguments, a minimum
   *   that is no integer, or a reference to an entry that is not before this one. What the arguments hold is
   *   checked when the program is executed.
   */
  call(call: SyscallName, args: readonly Argument[], options: EntryOptions = {}): Ref {
    syscallNumber(call)
    const position = this.#entries.length
    checkCount(call, args.length)
    for (const value of args) {
      if (!(value instanceof Ref) || value.entry < position) continue
      throw new LinuxError(
        'ERR_LINUX_INVALID_ARG',
        `cannot refer from entry ${position} (${call}) to one that is not before it`,
      )
    }
    if (options.tolerate !== undefined) checkTolerated(options.tolerate)
    checkMinimum(call, options.minimum ?? 0)
    const { tolerate, minimum, leave, step = this.#step } = options
    this.#entries.push({ call, args: args.slice(), tolerate, minimum, leave, step })
    return new Ref(position)
  }

  /** Says what the entries from here on are for, up to the next `step`. */
  step(step: string | undefined): this {
    this.#step = step
    return this
  }

  /** Number of entries so far. */
  get length(): number {
    return this.#entries.length
  }
}

/**
 * Refuses more arguments than a system call can have.
 *
 * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`
 */
export function checkCount(call: SyscallName, count: number): void {
  if (count <= 6) return
  throw new LinuxError(
    'ERR_LINUX_INVALID_ARG',
    `cannot call ${call} with ${count} arguments: six is the most`,
  )
}

function checkMinimum(call: SyscallName, minimum: number | 'any'): void {
  if (minimum === 'any' || Number.isSafeInteger(minimum)) return
  throw new LinuxError(
    'ERR_LINUX_INVALID_ARG',
    `cannot expect at least ${minimum} of ${call}: the minimum is an integer or 'any'`,
  )
}

function checkTolerated(names: readonly string[]): void {
  if (names.length > MAX_TOLERATED) {
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      `cannot tolerate ${names.join(', ')}: ${MAX_TOLERATED} errors are the most`,
    )
  }
  for (const name of names) {
    if (errnoNumber(name) === undefined) {
      throw new LinuxError('ERR_LINUX_INVALID_ARG', `cannot tolerate ${name}: Linux has no such error`)
    }
  }
}
