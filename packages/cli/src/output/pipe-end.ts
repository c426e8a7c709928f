import { flush, isReadable } from '@ctr/start'

/** A reader that has gone away, as in `ctrjs ps | head -1`, ends our output and is no failure of ours. */
export function ignoreClosedReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exitCode = 1
    })
  }
}

/** Resolves when everything that was printed has left this process, or nobody reads it any more. */
export async function flushOutput(): Promise<void> {
  await Promise.all([flush(process.stdout), flush(process.stderr)])
}

/** Prints a line on standard output. */
export function printLine(text: string): void {
  if (isReadable(process.stdout)) process.stdout.write(`${text}\n`)
}

/** Prints a document for scripts. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2))
}

/** Prints a line on standard error. */
export function printError(text: string): void {
  if (isReadable(process.stderr)) process.stderr.write(`${text}\n`)
}
