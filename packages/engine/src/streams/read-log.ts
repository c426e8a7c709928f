import { open, type FileHandle } from 'node:fs/promises'
import type { StreamName } from './frame.js'
import { nanosOf } from './timestamp.js'

/** An entry of a log. */
export interface LogLine {
  readonly log: string
  readonly stream: StreamName
  readonly time: string
}

/** What to read of a log. */
export interface LogQuery {
  readonly streams: ReadonlySet<StreamName>
  readonly follow: boolean
  /** Only the last so many entries; undefined for all. */
  readonly tail: number | undefined
  /** Nanoseconds since 1970. */
  readonly since: bigint
  /** Nanoseconds since 1970; 0 for no end. */
  readonly until: bigint
}

/** How whoever follows learns of more. */
interface Source {
  readonly running: () => boolean
  readonly changed: () => Promise<void>
}

/** More than the longest line: its piece of 16 KiB, escaped, and the rest of the entry. */
const chunkSize = 256 * 1024

/** Reads a log in Docker's json-file format. Lines that are no JSON (cut by a crash) are left out. */
export async function* readLog(
  path: string,
  query: LogQuery,
  source: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogLine, void> {
  let file = await openOptional(path)
  try {
    let position = file === undefined || query.tail === undefined ? 0 : await startOfTail(file, query.tail)
    for (;;) {
      const wasRunning = query.follow && source.running()
      const change = source.changed() // before reading, so that none is missed
      file ??= await openOptional(path)
      for (;;) {
        const bytes = await wholeLines(file, position)
        if (bytes.length === 0) break
        position += bytes.length
        for (const line of bytes.toString('utf8').split('\n')) {
          const entry = parse(line)
          if (entry === undefined || !matches(entry, query)) continue
          if (query.until !== 0n && nanosOf(entry.time) > query.until) return
          yield entry
        }
      }
      if (!wasRunning || signal?.aborted === true) return
      await change
    }
  } finally {
    await file?.close()
  }
}

function matches({ stream, time }: LogLine, { streams, since }: LogQuery): boolean {
  return streams.has(stream) && (since === 0n || nanosOf(time) >= since)
}

function parse(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return undefined
  }
}

async function openOptional(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The lines from a position on that are whole, as many as one chunk has. */
async function wholeLines(file: FileHandle | undefined, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkSize)
  const { bytesRead = 0 } = (await file?.read(buffer, 0, chunkSize, position)) ?? {}
  return buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(10) + 1)
}

/** Where the last so many lines begin. */
async function startOfTail(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines === 0) return size
  const buffer = Buffer.allocUnsafe(chunkSize)
  let left = lines + 1 // the newline before them
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunkSize)
    const { bytesRead } = await file.read(buffer, 0, end - start, start)
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (buffer[at] === 10 && --left === 0) return start + at + 1
    }
    end = start
  }
  return 0
}
