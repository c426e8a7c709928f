import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { ByteRange } from './ranges.js'

/** So much is read at once; two such pieces belong to each answer under way. */
const pieceBytes = 256 * 1024

/** Buffers that are not in use now. Fresh memory costs more than the reading itself. */
const spare: Buffer[] = []
const maxSpare = 64

/**
 * Sends a part of a file: while one piece is on its way to the client, the next one is read. Leaves the answer
 * ended, or fails when the client has gone or the file is shorter than it was.
 */
export async function sendFile(file: FileHandle, { start, end }: ByteRange, out: Writable): Promise<void> {
  const buffers = [take(), take()]
  const writes: Promise<void>[] = [Promise.resolve(), Promise.resolve()]
  const gone = closing(out)
  let isWhole = false
  try {
    let position = start
    for (let n = 0; position <= end; n = 1 - n) {
      await writes[n]
      const buffer = buffers[n]!
      const { bytesRead } = await file.read(buffer, 0, Math.min(pieceBytes, end + 1 - position), position)
      if (bytesRead === 0) throw new Error('the file of a blob is shorter than it was')
      position += bytesRead
      const written = Promise.race([write(out, buffer.subarray(0, bytesRead)), gone.promise])
      written.catch(() => undefined) // told when its buffer is wanted again
      writes[n] = written
    }
    await Promise.all(writes)
    isWhole = true
    out.end()
  } finally {
    gone.stop()
    // what a broken connection still holds is not used again
    await Promise.allSettled(writes)
    if (isWhole) for (const buffer of buffers) give(buffer)
  }
}

/** Resolves when the bytes have left this process; never, for some that an HTTP answer holds as its connection breaks. */
async function write(out: Writable, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    out.write(bytes, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

/** Fails when the client goes. */
function closing(out: Writable): { readonly promise: Promise<never>; stop(): void } {
  let onClose!: () => void
  const promise = new Promise<never>((_, reject) => {
    onClose = () =>
      reject(Object.assign(new Error('the client has gone'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }))
  })
  promise.catch(() => undefined) // nobody may be waiting
  if (out.destroyed) onClose()
  else out.once('close', onClose)
  return { promise, stop: () => void out.off('close', onClose) }
}

function take(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(pieceBytes)
}

function give(buffer: Buffer): void {
  if (spare.length < maxSpare) spare.push(buffer)
}
