import { exitOnSignal, FD_CLOEXEC, F_SETFD, PR_SET_DUMPABLE, type Program } from '@ctr/linux'

/**
 * A gate that a process waits at before it executes its command: for two-step starts, where whoever opens the
 * gate may be another process than the one that made the child.
 */
export interface Gate {
  /** The child's end: it goes on when it can read a byte. */
  readonly wait: number
  /** The child's end: it writes a report when it is at the gate, and when something fails afterwards. */
  readonly report: number
  /** Our end of the reports. */
  readonly reports: number
  /** Closes the child's ends here, once the child has them: without this its end would not be seen. */
  closeChildEnds(): void
}

/** What a process reports when it has come to its gate, in the form of a failure. */
export const AT_GATE = -1

/**
 * Adds what a process does first once it is an executable of its own: nobody may look into it while it has
 * privileges that its command will not have, and its command is not to have our descriptors.
 */
export function beginInit(program: Program, fds: readonly number[]): void {
  program.step('protect the process').call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  for (const fd of fds) program.call('fcntl', [fd, F_SETFD, FD_CLOEXEC])
}

/** SIGHUP, SIGINT, SIGQUIT and SIGTERM. */
const endingSignals = [1, 2, 3, 15]

/** Adds the wait at the gate, where a signal that asks it to end does end the process. */
export function waitAtGate(program: Program, { wait, report }: Gate): void {
  const atGate = Buffer.alloc(16)
  atGate.writeBigInt64LE(BigInt(AT_GATE), 0)
  program.step('wait at the gate')
  for (const signal of endingSignals) program.call('rt_sigaction', [signal, exitOnSignal(), null, 8])
  program.call('write', [report, atGate, atGate.length])
  program.call('read', [wait, new Uint8Array(1), 1], { minimum: 1 })
}
