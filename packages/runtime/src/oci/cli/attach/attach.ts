import type { ContainerProcess } from '../../container-process.js'
import type { CaughtSignals } from './signals.js'

/**
 * Stays with a process until it ends: signals go to it, and our terminal is joined with its own.
 *
 * @param begin - Lets it begin, once its terminal is as ours.
 * @returns Its exit code, or 128 and the number of the signal that ended it.
 */
export async function attach(
  program: ContainerProcess,
  signals: CaughtSignals,
  begin?: () => Promise<unknown>,
): Promise<number> {
  const joined =
    program.terminal === null
      ? undefined
      : (await import('./join-terminal.js')).joinTerminal(program.terminal)
  try {
    await begin?.()
    signals.forwardTo((signal) => program.kill(signal))
    const { exitCode, signal } = await program.wait()
    await joined?.drain()
    return exitCode ?? 128 + signal
  } finally {
    joined?.leave()
  }
}
