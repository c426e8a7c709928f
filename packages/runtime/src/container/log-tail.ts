import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 64 * 1024
const newline = 10

/**
 * Where the last lines of a file begin, read from its end. What is behind the last line feed is a line, too.
 *
 * @param from - Nothing before this is looked at.
 */
export async function tailPosition(file: FileHandle, lines: number, from: number): Promise<number> {
  const { size } = await file.stat()
  if (lines === 0) return size
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let left = lines
  for (let end = size; end > from;) {
    const begin = Math.max(from, end - chunkBytes)
    const { bytesRead } = await file.read(buffer, 0, end - begin, begin)
    for (let at = bytesRead - 1; at >= 0; at--) {
      // the line feed at the very end closes the last line
      if (buffer[at] !== newline || begin + at === size - 1) continue
      if (--left === 0) return begin + at + 1
    }
    end = begin
  }
  return from
}
