import type { ExecProcess } from '@ctr/runtime'
import { clientListener, type ClientStreams } from './attach.js'

/** Connects a client with a program; the connection ends when all of its output was sent. */
export async function connectExec(
  process: ExecProcess,
  { readable, writable }: ClientStreams,
): Promise<void> {
  const { terminal } = process
  const stdin = terminal ?? process.stdin
  const outputs = (
    terminal === null
      ? ([
          ['stdout', process.stdout],
          ['stderr', process.stderr],
        ] as const)
      : ([['stdout', terminal]] as const)
  ).flatMap(([stream, output]) => (output === null ? [] : [{ stream: stream, output }]))
  readable.on('error', () => undefined)
  writable.on('error', () => undefined)
  if (stdin === null) readable.resume()
  else {
    stdin.on('error', () => undefined)
    readable.pipe(stdin, { end: terminal === null })
  }
  const client = clientListener(writable, new Set(['stdout', 'stderr']), terminal !== null)
  await Promise.all(
    outputs.map(async ({ stream, output }) => {
      try {
        for await (const bytes of output)
          if (!client.write({ stream, bytes: bytes as Buffer })) await client.ready()
      } catch {
        // the program has ended, or its terminal has
      }
    }),
  )
  await process.wait()
  writable.end()
}
