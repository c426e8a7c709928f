import type { Duplex } from 'node:stream'
import { rawMode } from '@ctr/linux'
import type { TerminalSize } from '@ctr/runtime'
import { copyOutput, type Copy } from '@ctr/start'
import { CliError } from '../errors.js'
import { feedInput } from './feed-input.js'

/** The other side of a program's terminal. */
export interface Terminal extends Duplex {
  resize(size: TerminalSize): void
}

/** Our terminal, joined with that of a container. */
export interface JoinedTerminal extends Disposable {
  readonly output: Copy
}

/** Size of our terminal; undefined when our output is none. */
export function terminalSize(): TerminalSize | undefined {
  const { isTTY, rows, columns } = process.stdout as Partial<NodeJS.WriteStream>
  return isTTY === true && rows !== undefined && columns !== undefined ? { rows, columns } : undefined
}

/**
 * Checks that what is typed can reach a terminal.
 *
 * @throws {@link CliError} `ERR_CLI_TERMINAL`: `-i` and `-t` are given and our input is no terminal.
 */
export function checkTerminal(interactive: boolean, tty: boolean): void {
  if (!interactive || !tty || process.stdin.isTTY) return
  throw new CliError(
    'ERR_CLI_TERMINAL',
    'cannot attach stdin to a TTY-enabled container because stdin is not a terminal',
  )
}

/**
 * Joins our terminal with a container's: keys go in as they are typed when `interactive`, what it prints comes
 * out, and its size follows ours. At the end ours is as it was before.
 */
export function joinTerminal(
  terminal: Terminal,
  { interactive }: { readonly interactive: boolean },
): JoinedTerminal {
  const restore = interactive ? rawMode(0, { output: 'raw' }) : undefined
  const resize = (): void => {
    const size = terminalSize()
    if (size !== undefined && !terminal.destroyed) terminal.resize(size)
  }
  process.stdout.on('resize', resize)
  resize() // it may have changed while the container started
  const stop = interactive ? feedInput(process.stdin, terminal) : undefined
  const output = copyOutput(terminal, process.stdout)
  return {
    output,
    [Symbol.dispose]() {
      process.stdout.removeListener('resize', resize)
      stop?.()
      restore?.()
    },
  }
}
