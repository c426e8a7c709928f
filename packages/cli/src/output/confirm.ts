import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { printLine } from './pipe-end.js'

/** Asks before something is removed. The end of the input is no yes. */
export async function confirm(warning: string): Promise<boolean> {
  printLine(warning)
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const ended = once(lines, 'close').then(() => '')
    const answer = await Promise.race([lines.question('Are you sure you want to continue? [y/N] '), ended])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
