import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { isReadable } from '../output/pipe-end.js'

/** A stream of a container on its way to one of ours. */
export interface Copy {
  /** Resolves when all of it is through, or nobody reads ours any more. */
  readonly ended: Promise<void>
  /** Ends the copy when nothing has come for a moment: something in the background has kept the stream open. */
  giveUp(): Promise<void>
}

const quietMs = 100

/**
 * Copies what a container prints. Never reads ahead of the reader of `sink`; when that reader goes away the
 * program is told as it would be without us: its next write fails with `EPIPE`.
 */
export function copyOutput(source: Readable, sink: Writable): Copy {
  let bytes = 0
  const leave = (): void => void source.destroy()
  const ended = new Promise<void>((resolve) => {
    source.once('close', resolve).once('end', resolve).once('error', resolve)
  }).finally(() => sink.removeListener('error', leave))
  if (!isReadable(sink)) leave()
  sink.once('error', leave)
  source.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  source.pipe(sink, { end: false })
  return {
    ended,
    async giveUp() {
      for (let before = -1; before !== bytes || sink.writableNeedDrain;) {
        before = bytes
        await Promise.race([ended, sleep(quietMs, undefined, { ref: true })])
      }
      leave()
    },
  }
}

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
