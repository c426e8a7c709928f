import type { Cli } from '../cli.js'
import { exitCodeOfSignal, interruptible } from './signals.js'

/** Does work that is given up at the first signal that asks us to end, and exits as the signal would have ended us. */
export async function untilInterrupted(
  cli: Cli,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  using interrupt = interruptible()
  try {
    await work(interrupt.signal)
  } catch (error) {
    const signal = interrupt.by()
    if (signal === undefined) throw error
    cli.exit(exitCodeOfSignal(signal))
  }
}
