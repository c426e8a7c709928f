import type { Socket } from 'node:net'
import type { TerminalSize } from '@ctr/runtime'
import type { Attached } from '../../attach/attach.js'
import { RemoteTerminal, separate } from './daemon-streams.js'

/** A program of a daemon behind a connection. */
export interface Connected {
  readonly stdin: boolean
  readonly tty: boolean
  /** Those that leave its terminal and let it run. */
  readonly keys: Buffer
  readonly exitCode: () => Promise<number | null>
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
  readonly resize: (size: TerminalSize) => Promise<void>
}

/** Its streams, for `attach()`. */
export function attachedTo(socket: Socket, program: Connected): Attached {
  // it may have ended: then there is nothing to be told, and nothing to be resized
  const kill = (signal: NodeJS.Signals): void => void program.kill(signal).catch(() => undefined)
  if (program.tty) {
    const resize = (size: TerminalSize): void => void program.resize(size).catch(() => undefined)
    const terminal = new RemoteTerminal(socket, program.keys, resize)
    const wait = async (): Promise<{ readonly exitCode: number | null }> => {
      const left = new Promise<null>((resolve) => {
        terminal.once('end', () => terminal.isLeft && resolve(null))
      })
      const exitCode = await Promise.race([program.exitCode(), left.then(() => 0)])
      return { exitCode }
    }
    return { stdin: null, stdout: null, stderr: null, terminal, wait, kill }
  }
  const { stdout, stderr, done } = separate(socket)
  done.catch(() => undefined) // told to whoever waits
  const wait = async (): Promise<{ readonly exitCode: number | null }> => {
    await done
    return { exitCode: await program.exitCode() }
  }
  return { stdin: program.stdin ? socket : null, stdout, stderr, terminal: null, wait, kill }
}
