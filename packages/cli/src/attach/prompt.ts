import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CliError } from '../errors.js'

/** Questions to the user, on the terminal. */
export interface Prompt extends Disposable {
  /**
   * Asks one question and reads a line.
   *
   * @param hidden - What is typed is not shown.
   * @returns `undefined` when the user gives up by Ctrl-C or Ctrl-D.
   */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string | undefined>
}

/**
 * Opens the terminal for questions; several share one, so that what was typed ahead is not lost.
 *
 * @throws {@link CliError} `ERR_CLI_TERMINAL`: our input is no terminal.
 */
export function openPrompt(): Prompt {
  if (!process.stdin.isTTY)
    throw new CliError('ERR_CLI_TERMINAL', 'cannot ask for anything because stdin is not a terminal')
  // the line editor puts the terminal into raw mode, so it is this output alone that echoes
  let isShown = false
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (isShown) process.stderr.write(chunk)
      done()
    },
  })
  const editor = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 })
  const typed: string[] = []
  let isOver = false
  let wake = (): void => undefined
  editor.on('line', (line) => {
    isShown = false // the next line may be a secret that was typed ahead
    typed.push(line)
    wake()
  })
  const end = (): void => {
    isOver = true
    wake()
  }
  editor.on('SIGINT', end)
  editor.on('close', end)
  return {
    async ask(question, { hidden = false } = {}) {
      process.stderr.write(question)
      isShown = !hidden
      while (typed.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve))
      if (hidden) process.stderr.write('\n')
      return typed.shift()
    },
    [Symbol.dispose]() {
      editor.close()
    },
  }
}
