import { constants } from 'node:os'

/**
 * Signals that a program in a container is told when we are. Others mean us (SIGCHLD, SIGPIPE, SIGWINCH), tell of
 * our own mistakes, or cannot be caught.
 */
const forwarded = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGIO',
  'SIGPWR',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
] as const satisfies readonly NodeJS.Signals[]

/** Signals on their way to a program that may not have begun yet. */
export interface CaughtSignals extends Disposable {
  /**
   * Passes on those that came before, and each one from now on.
   *
   * @param kill - What it throws (the program has ended) is not looked at.
   */
  forwardTo(kill: (signal: number) => void): void
}

/** Catches signals from now on, so that none ends us while a container begins. */
export function catchSignals(): CaughtSignals {
  const waiting: number[] = []
  let send = (signal: number): void => void waiting.push(signal)
  const listener = (name: NodeJS.Signals): void => send(constants.signals[name])
  for (const signal of forwarded) process.on(signal, listener)
  return {
    forwardTo(kill) {
      send = (signal) => {
        try {
          kill(signal)
        } catch {
          // it has just ended
        }
      }
      for (const signal of waiting.splice(0)) send(signal)
    },
    [Symbol.dispose]() {
      for (const signal of forwarded) process.removeListener(signal, listener)
    },
  }
}
