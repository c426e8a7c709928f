import { constants } from 'node:os'

/** What strsignal(3) says, in lower case, of the signals that end programs. */
const texts: Readonly<Record<number, string>> = {
  1: 'hangup',
  2: 'interrupt',
  3: 'quit',
  4: 'illegal instruction',
  5: 'trace/breakpoint trap',
  6: 'aborted',
  7: 'bus error',
  8: 'floating point exception',
  9: 'killed',
  11: 'segmentation fault',
  13: 'broken pipe',
  14: 'alarm clock',
  15: 'terminated',
  24: 'cpu time limit exceeded',
  25: 'file size limit exceeded',
  31: 'bad system call',
}

/** A signal in words, for whoever looks for a reason: `'bad system call'` is a seccomp filter's. */
export function signalText(signal: number): string {
  return (
    texts[signal] ??
    Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ??
    `signal ${signal}`
  )
}
