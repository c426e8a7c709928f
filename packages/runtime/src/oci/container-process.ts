import type { ExitStatus } from '@ctr/linux'
import type { SpawnedProcess } from '@ctr/namespaces'
import type { TerminalStream } from '../setup/terminal-stream.js'

/** A process that this program has started in a container. */
export interface ContainerProcess {
  /** Process id on the host. */
  readonly pid: number
  /** Our side of its terminal, when `terminal: 'stream'` was asked for and its config has one. */
  readonly terminal: TerminalStream | null
  /** Resolves when it has ended. */
  wait(): Promise<ExitStatus>
  /** Sends a signal by number; does nothing when it has ended. */
  kill(signal: number): void
}

/** A process that is not the container's first. */
export function ofSpawned(process: SpawnedProcess, terminal: TerminalStream | null): ContainerProcess {
  return {
    pid: process.pid,
    terminal,
    wait: () => process.wait(),
    kill: (signal) => {
      process.kill(signal)
    },
  }
}
