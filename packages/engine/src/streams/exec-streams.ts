import type { ExecProcess } from '@ctr/runtime'
import { DetachKeys } from './detach-keys.js'
import { clientListener, type ClientStreams } from './attach.js'

/**
 * Connects a client with a program; the connection ends when all of its output was sent, or the client lets go by its keys.
 *
 * @param raw - Send output as it is, not as frames.
 */
export async function connectExec(
  process: ExecProcess,
  { readable, writable }: ClientStreams,
  {
    raw,
    detachKeys,
    onDetach,
  }: { readonly raw: boolean; readonly detachKeys: Buffer; readonly onDetach: () => void },
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
    const input = readable.pipe(new DetachKeys(detachKeys))
    input.on('detach', () => {
      input.unpipe(stdin)
      onDetach()
      writable.end()
    })
    input.pipe(stdin, { end: terminal === null })
  }
  const client = clientListener(writable, new Set(['stdout', 'stderr']), raw)
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
