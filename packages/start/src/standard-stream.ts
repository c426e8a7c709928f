import type { Writable } from 'node:stream'

/** Whether somebody still reads what is written to a stream. */
export function isReadable(stream: Writable): boolean {
  return !stream.destroyed && stream.errored === null
}

/** Resolves when everything that was written to a stream has left this process, or nobody reads it any more. */
export async function flush(stream: Writable): Promise<void> {
  if (!isReadable(stream) || stream.writableLength === 0) return
  await new Promise<void>((resolve) => {
    stream.once('error', () => resolve()).once('close', resolve)
    stream.write('', () => resolve())
  })
}
