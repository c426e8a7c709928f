import { LinuxError, SyscallError } from '../errors.js'
import { giveBack, type Block } from '../memory.js'
import { native } from '../native.js'
import { runOnPool } from '../pool.js'
import type { Ref } from './argument.js'
import { compile, currentEntry, hasFailed, resultAt, type Compiled } from './compile.js'
import { describeArguments } from './explain.js'
import type { Program } from './program.js'

/** Results of a program that came to its end. */
export interface Results {
  /** Result of an entry; negative, an errno, where the entry tolerated it. */
  get(ref: Ref): number
}

/**
 * Executes a program on the calling thread, without a child. For set-ups whose results (descriptors) are
 * wanted in this process; calls that change a thread (`unshare`, `setns`) must undo themselves in the same
 * program.
 *
 * @throws {@link SyscallError} The first entry that failed (`EPIPE` for a result below its minimum); the
 *   entries before it have taken effect.
 */
export function executeSync(program: Program): Results {
  const compiled = compile(program, undefined)
  try {
    native().run(compiled.block.address)
    return finish(program, compiled)
  } finally {
    giveBack(compiled.block)
  }
}

/**
 * Executes a program on a thread of libuv's pool, without a child; the event loop goes on meanwhile. Calls
 * that change a thread must not be in it.
 *
 * @throws {@link SyscallError} The first entry that failed (`EPIPE` for a result below its minimum); the
 *   entries before it have taken effect.
 */
export async function execute(program: Program): Promise<Results> {
  const compiled = compile(program, undefined)
  try {
    await runOnPool(compiled.block.address)
    return finish(program, compiled)
  } finally {
    giveBack(compiled.block)
  }
}

/** How far a program came. */
export interface Attempt {
  /** Results of the entries before the one that failed. */
  readonly results: Results
  /** The entry that ended the program: `failure.entry`. */
  readonly failure: SyscallError | undefined
}

/** A program that lies in memory, to be executed once. */
export interface PreparedProgram extends Disposable {
  /**
   * Executes it as {@link execute} does; a failure is part of the result, beside what the entries before it have
   * returned. For programs that make many things, of which one may be in the way.
   */
  run(): Promise<Attempt>
  /** Gives its memory back, when it is not to be executed. Idempotent. */
  [Symbol.dispose](): void
}

/** Lays a program out in memory, while another one may still be under way. Run it or dispose of it. */
export function prepare(program: Program): PreparedProgram {
  const compiled = compile(program, undefined)
  let isWaiting = true
  return {
    async run() {
      if (!isWaiting)
        throw new LinuxError(
          'ERR_LINUX_INVALID_ARG',
          'cannot run a program: it was prepared for one time only',
        )
      isWaiting = false
      try {
        await runOnPool(compiled.block.address)
        compiled.writer.copyBack()
        return { results: snapshot(program, compiled), failure: failure(program, compiled) }
      } finally {
        giveBack(compiled.block)
      }
    },
    [Symbol.dispose]() {
      if (isWaiting) giveBack(compiled.block)
      isWaiting = false
    },
  }
}

function finish(program: Program, { block, writer }: Compiled): Results {
  writer.copyBack()
  const failed = failure(program, { block, writer })
  if (failed !== undefined) throw failed
  return snapshot(program, { block, writer })
}

/** The error of the entry that ended the program, if one did. */
export function failure(program: Program, { block }: Compiled): SyscallError | undefined {
  return hasFailed(block) ? failureAt(program, block, currentEntry(block)) : undefined
}

/** The error of the entry at `index`, which has failed. */
export function failureAt(program: Program, block: Block, index: number): SyscallError {
  return failureOf(program, index, resultAt(block, index))
}

/** The error of the entry at `index`, which has failed with `result`. */
export function failureOf(program: Program, index: number, result: number): SyscallError {
  const entry = program.entries[index]!
  return new SyscallError({
    // a result that is no error but too small: the other side of a pipe went away
    errno: result < 0 ? -result : EPIPE,
    syscall: entry.call,
    args: describeArguments(entry),
    entry: index,
    step: entry.step,
  })
}

const EPIPE = 32

/** The results by value, so that the memory of the program can be used again. */
export function snapshot(program: Program, { block }: Compiled): Results {
  const results = new Float64Array(program.length)
  for (let index = 0; index < results.length; index++) results[index] = resultAt(block, index)
  return { get: (ref) => results[ref.entry]! }
}
