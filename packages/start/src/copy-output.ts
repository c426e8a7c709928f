import type { Readable, Writable } from 'node:stream'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { isReadable } from './standard-stream.js'

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
  let isOver = false
  const leave = (): void => void source.destroy()
  const ended = new Promise<void>((resolve) => {
    source.once('close', resolve).once('end', resolve).once('error', resolve)
  }).finally(() => {
    isOver = true
    sink.removeListener('error', leave)
  })
  if (!isReadable(sink)) leave()
  sink.once('error', leave)
  source.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  source.pipe(sink, { end: false })
  return {
    ended,
    async giveUp() {
      // A sink without a reader may say for ever that it is full: standard streams stay as they are after an error.
      for (let before = -1; !isOver && (before !== bytes || sink.writableNeedDrain);) {
        before = bytes
        await Promise.race([ended, sleep(quietMs)])
        await turn() // what came while this process did not get to run is read before that
      }
      leave()
    },
  }
}
