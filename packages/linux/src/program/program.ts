import { errnoNumber, errnoName } from '../errno.js'
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
   * @returns The result of this entry, for arguments of later ones and for `result()` afterwards.
   * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: unknown call or errno, too many arguments, or a
   *   reference to an entry that is not before this one.
   */
  call(call: SyscallName, args: readonly Argument[], options: EntryOptions = {}): Ref {
    syscallNumber(call)
    const position = this.#entries.length
    if (args.length > 6) {
      throw new LinuxError(
        'ERR_LINUX_INVALID_ARG',
        `cannot call ${call} with ${args.length} arguments: six is the most`,
      )
    }
    if (args.some((value) => value instanceof Ref && value.entry >= position)) {
      throw new LinuxError(
        'ERR_LINUX_INVALID_ARG',
        `cannot refer from entry ${position} (${call}) to one that is not before it`,
      )
    }
    checkTolerated(options.tolerate ?? [])
    this.#entries.push({ call, args, step: this.#step, ...options })
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

function checkTolerated(names: readonly string[]): void {
  if (names.length > MAX_TOLERATED) {
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      `cannot tolerate ${names.join(', ')}: ${MAX_TOLERATED} errors are the most`,
    )
  }
  for (const name of names) {
    const number = errnoNumber(name)
    if (number === undefined || errnoName(number) === `errno ${number}`) {
      throw new LinuxError('ERR_LINUX_INVALID_ARG', `cannot tolerate ${name}: Linux has no such error`)
    }
  }
}
