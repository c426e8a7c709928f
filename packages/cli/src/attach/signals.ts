import { constants } from 'node:os'
import { printError } from '../output/pipe-end.js'

/** What a program may be told by signal. Others mean us: SIGCHLD, SIGPIPE, stops; or cannot be caught. */
const forwarded = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
] as const

/** Those that ask us to end. */
const ending = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const

const forceAfter = 3

/**
 * Passes signals that we get on to a program. The third SIGINT or SIGTERM kills it: one that has not said what
 * to do about them ignores them as process 1.
 *
 * @param kill - Told the signal's name. What it throws (the program has ended) is not looked at.
 */
export function forwardSignals(kill: (signal: NodeJS.Signals) => unknown): Disposable {
  let asked = 0
  const forward = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') asked++
    const isForced = asked >= forceAfter && (signal === 'SIGINT' || signal === 'SIGTERM')
    if (isForced) printError(`ctrjs: got ${asked} SIGTERM/SIGINTs, killing the program`)
    try {
      kill(isForced ? 'SIGKILL' : signal)
    } catch {
      // it has just ended
    }
  }
  return listen(forwarded, forward)
}

/** Calls `end` for the first signal that asks us to end. */
export function onEndSignal(end: (signal: NodeJS.Signals) => void): Disposable {
  return listen(ending, end)
}

/** A signal that aborts when we are asked to end: for work that can be given up. */
export function interruptible(): Disposable & {
  readonly signal: AbortSignal
  readonly by: () => NodeJS.Signals | undefined
} {
  const controller = new AbortController()
  let by: NodeJS.Signals | undefined
  const listening = onEndSignal((signal) => {
    by ??= signal
    controller.abort()
  })
  return { signal: controller.signal, by: () => by, [Symbol.dispose]: () => listening[Symbol.dispose]() }
}

/** Exit code of a process that a signal has ended, as a shell shows it. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

function listen(signals: readonly NodeJS.Signals[], listener: (signal: NodeJS.Signals) => void): Disposable {
  for (const signal of signals) process.on(signal, listener)
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.removeListener(signal, listener)
    },
  }
}
