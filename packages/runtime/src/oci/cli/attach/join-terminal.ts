import { setTimeout as sleep } from 'node:timers/promises'
import { rawMode } from '@ctr/linux'
import type { TerminalStream } from '../../../setup/terminal-stream.js'
import { ownTerminal, ownWindowSize } from './own-terminal.js'

/** Our terminal, joined with that of a process. */
export interface JoinedTerminal {
  /** Resolves when all that was printed is through, or nothing has come for a moment. */
  drain(): Promise<void>
  /** Puts our terminal back as it was. */
  leave(): void
}

const quietMs = 100

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

  let bytes = 0
  const ended = new Promise<void>((resolve) => {
    terminal.once('close', resolve).once('end', resolve).once('error', resolve)
  })
  terminal.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  terminal.pipe(process.stdout, { end: false })
  process.stdout.once('error', () => terminal.destroy()) // nobody reads: the process gets SIGHUP
  process.stdin.on('error', () => undefined) // a terminal that we may not read in the background
  process.stdin.pipe(terminal, { end: false })
  return {
    async drain() {
      for (let before = -1; before !== bytes || process.stdout.writableNeedDrain;) {
        before = bytes
        await Promise.race([ended, sleep(quietMs)])
      }
    },
    leave() {
      process.removeListener('SIGWINCH', resize)
      process.stdin.unpipe(terminal).pause()
      terminal.destroy()
      restore?.()
    },
  }
}
