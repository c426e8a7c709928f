import type { Log } from '../log.js'
import type { OciRuntime } from '../runtime.js'
import type { Globals } from './globals.js'
import type { Options, Values } from './options.js'

/** What commands have of the program around them. */
export interface Program {
  /** What we were called as: `ctr-runtime`, or the name of a link to it. */
  readonly name: string
  readonly globals: Globals
  readonly log: Log
  /** Loads the runtime, which not every command needs. */
  open(): Promise<OciRuntime>
}

/** One call of a command. */
export interface Call<T extends Options = Options> {
  readonly values: Values<T>
  /** What is no option: as many as the command takes. */
  readonly args: readonly string[]
  readonly program: Program
}

/** A command with its options. */
export interface Command<T extends Options = Options> {
  readonly name: string
  readonly summary: string
  /** What follows the command in its usage. */
  readonly usage: string
  readonly description?: string
  readonly options: T
  /** Least and greatest number of arguments. */
  readonly arity: readonly [number, number]
  /** What follows the first argument is not ours to read: a command with its own options. */
  readonly rest?: boolean
  /** Exit code when something fails; 1 unless set. */
  readonly failure?: number
  /** What stands before the text of a failure. Callers show that text without the command that they have called. */
  readonly failedTo?: (program: string) => string
  /** Does it. Gives the exit code, or throws. */
  run(call: Call<T>): number | Promise<number>
}

/** Lets the compiler tie a command's values to its options. */
export function command<const T extends Options>(definition: Command<T>): Command {
  return definition // it is only called with what was read by its own options
}
