import { rawMode } from '@ctr/linux'
import { copyOutput, flush } from '@ctr/start'
import type { TerminalStream } from '../../../setup/terminal-stream.js'
import { ownTerminal, ownWindowSize } from './own-terminal.js'

/** Our terminal, joined with that of a process. */
export interface JoinedTerminal {
  /** Resolves when all that was printed is through, or nothing has come for a moment. */
  drain(): Promise<void>
  /** Puts our terminal back as it was. */
  leave(): void
}

/**
 * Joins our standard streams with a terminal: keys go in as they are typed, what is printed comes out, and its size
 * follows ours. Standard streams that are no terminals pass bytes just as well.
 */
export function joinTerminal(terminal: TerminalStream): JoinedTerminal {
  const own = ownTerminal()
  const restore = own === undefined ? undefined : rawMode(own, { output: 'processed' })
  const resize = (): void => {
    const size = ownWindowSize()
    if (size !== undefined && !terminal.destroyed) terminal.resize(size)
  }
  resize()
  process.on('SIGWINCH', resize)

  process.stdout.on('error', () => undefined) // nobody reads: the copy ends, and the process gets SIGHUP
  const copy = copyOutput(terminal, process.stdout)
  process.stdin.on('error', () => undefined) // a terminal that we may not read in the background
  process.stdin.pipe(terminal, { end: false })
  return {
    async drain() {
      await copy.giveUp()
      await flush(process.stdout)
    },
    leave() {
      process.removeListener('SIGWINCH', resize)
      process.stdin.unpipe(terminal).pause()
      terminal.destroy()
      restore?.()
    },
  }
}
