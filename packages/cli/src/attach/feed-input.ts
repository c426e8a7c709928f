import type { Writable } from 'node:stream'

/**
 * Passes our input to a program, to its end.
 *
 * @returns Stops it, so that our input does not keep this process alive.
 */
export function feedInput(source: NodeJS.ReadStream, sink: Writable): () => void {
  sink.on('error', () => {
    source.unpipe(sink) // the program does not read its input, or has ended
    source.pause()
  })
  source.pipe(sink)
  return () => {
    source.unpipe(sink)
    source.pause()
  }
}
