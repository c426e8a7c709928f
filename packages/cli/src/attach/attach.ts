import type { Readable, Writable } from 'node:stream'
import { copyOutput } from '@ctr/start'
import { feedInput } from './feed-input.js'
import { exitCodeOfSignal, forwardSignals, onEndSignal } from './signals.js'
import { joinTerminal, type Terminal } from './terminal.js'

/** How a program ended: one of both is a number. */
interface Ended {
  readonly exitCode?: number | null | undefined
  readonly signal?: number | null | undefined
}

/** A running program whose streams are pipes or a terminal of ours. */
export interface Attached {
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  readonly terminal: Terminal | null
  wait(): Promise<Ended>
  kill(signal: NodeJS.Signals): unknown
}

/**
 * Joins our standard streams with a program's until it has ended, and passes signals on.
 *
 * @param interactive - Whether our input goes to it.
 * @param sigProxy - Whether signals that we get go to it. A terminal's program gets none in any case. Default true.
 * @returns Exit code as Docker's: the program's, or 128 and the signal that ended it.
 */
export async function attach(
  program: Attached,
  { interactive, sigProxy = true }: { readonly interactive: boolean; readonly sigProxy?: boolean },
): Promise<number> {
  return program.terminal === null
    ? await attachPipes(program, interactive, sigProxy)
    : await attachTerminal(program, program.terminal, interactive)
}

async function attachPipes(program: Attached, interactive: boolean, sigProxy: boolean): Promise<number> {
  using _signals = sigProxy ? forwardSignals((signal) => program.kill(signal)) : undefined
  const stop = interactive && program.stdin !== null ? feedInput(process.stdin, program.stdin) : undefined
  const copies = [
    program.stdout === null ? undefined : copyOutput(program.stdout, process.stdout),
    program.stderr === null ? undefined : copyOutput(program.stderr, process.stderr),
  ].filter((copy) => copy !== undefined)
  const exit = await program.wait()
  stop?.()
  await Promise.all(copies.map((copy) => copy.giveUp()))
  return exitCodeOf(exit)
}

async function attachTerminal(program: Attached, terminal: Terminal, interactive: boolean): Promise<number> {
  using joined = joinTerminal(terminal, { interactive })
  let interrupted: NodeJS.Signals | undefined
  // keys reach the program as bytes; a signal is meant for us, and the program cannot stay without its terminal
  using _signals = onEndSignal((signal) => {
    interrupted = signal
    program.kill('SIGKILL')
  })
  const exit = await program.wait()
  await joined.output.giveUp()
  return interrupted === undefined ? exitCodeOf(exit) : exitCodeOfSignal(interrupted)
}

function exitCodeOf({ exitCode, signal }: Ended): number {
  return exitCode ?? (signal == null ? 125 : 128 + signal)
}
