import { writeSync } from 'node:fs'

const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * Writes to standard output, all of it, before it returns. Node's own stream of it takes a millisecond to load.
 *
 * @throws `EPIPE`: nobody reads it any more.
 */
export function print(text: string): void {
  writeAll(1, text)
}

/** Writes a line to standard error, as far as somebody reads it. */
export function printError(text: string): void {
  try {
    writeAll(2, `${text}\n`)
  } catch {
    // there is nobody to tell
  }
}

function writeAll(fd: number, text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(pause, 0, 0, 2) // a pipe that does not block, and is full
    }
  }
}
