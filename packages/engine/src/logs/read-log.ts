import type { FileHandle } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import type { LogCodec } from './codec.js'
import type { LogLine, LogQuery } from './entry.js'
import type { OpenedFile, RotatedFile } from './rotated-file.js'
import { nanosOf } from './timestamp.js'

const newline = 10

/** More than the longest entry: its piece of 16 KiB, escaped, and the rest of it. */
const chunkSize = 256 * 1024

/**
 * Reads a log, oldest entries first, through all its files; whoever follows goes on through rotations. What is no entry
 * (cut by a crash) is left out. Files that are removed before they could be read are left out as well.
 *
 * @param running - Whether more will come, for whoever follows.
 */
export async function* readLog(
  file: RotatedFile,
  codec: LogCodec,
  query: LogQuery,
  { running, signal }: { readonly running: () => boolean; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<LogLine, void> {
  let { generation, position, skip } = await startOf(file, query.tail)
  let opened: OpenedFile | undefined
  try {
    for (; ; generation++, position = 0, skip = 0) {
      opened = undefined
      for (;;) {
        const isLive = generation === file.generation
        const goesOn = isLive && query.follow && running()
        const change = goesOn ? file.whenChanged(signal) : undefined // before reading, so that none is missed
        opened ??= await file.open(generation)
        if (opened !== undefined) {
          for await (const lines of opened.compressed
            ? inflatedLines(opened.handle)
            : plainLines(opened.handle, position)) {
            position += lines.length
            for (const line of lines.toString('utf8').split('\n')) {
              if (line === '' || skip-- > 0) continue
              const entry = codec.decode(line)
              if (entry === undefined || !matches(entry, query)) continue
              if (query.until !== 0n && nanosOf(entry.time) > query.until) return
              yield entry
            }
            if (signal?.aborted === true) return
          }
        }
        if (!isLive) break
        if (!goesOn || signal?.aborted === true) return
        await change
      }
      await opened?.handle.close()
    }
  } finally {
    await opened?.handle.close()
  }
}

function matches({ stream, time }: LogLine, { streams, since }: LogQuery): boolean {
  return streams.has(stream) && (since === 0n || nanosOf(time) >= since)
}

/** Where to begin: in a plain file at a position, in a compressed one after so many entries. */
interface Start {
  readonly generation: number
  readonly position: number
  readonly skip: number
}

async function startOf(file: RotatedFile, tail: number | undefined): Promise<Start> {
  const oldest = file.oldest()
  let left = tail ?? Infinity
  for (let generation = file.generation; tail !== undefined && generation >= oldest; generation--) {
    const opened = await file.open(generation)
    if (opened === undefined) continue
    try {
      const { compressed, handle } = opened
      const { entries, position } = compressed ? await countEntries(handle) : await lastEntries(handle, left)
      if (entries >= left) return { generation, position, skip: compressed ? entries - left : 0 }
      left -= entries
    } finally {
      await opened.handle.close()
    }
  }
  return { generation: oldest, position: 0, skip: 0 }
}

async function countEntries(
  handle: FileHandle,
): Promise<{ readonly entries: number; readonly position: number }> {
  let entries = 0
  for await (const lines of inflatedLines(handle))
    for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) entries++
  return { entries, position: 0 }
}

/** Looks from the end of a plain file for the beginning of its last so many entries. */
async function lastEntries(
  handle: FileHandle,
  wanted: number,
): Promise<{ readonly entries: number; readonly position: number }> {
  const { size } = await handle.stat()
  if (wanted === 0) return { entries: 0, position: size }
  const buffer = Buffer.allocUnsafe(chunkSize)
  let found = -1 // the newline at the very end begins no entry
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunkSize)
    const { bytesRead } = await handle.read(buffer, 0, end - start, start)
    for (let at = buffer.lastIndexOf(newline, bytesRead - 1); at >= 0;) {
      if (++found === wanted) return { entries: wanted, position: start + at + 1 }
      at = at === 0 ? -1 : buffer.lastIndexOf(newline, at - 1)
    }
    end = start
  }
  return { entries: found + 1, position: 0 }
}

/** The whole lines from a position on, many at once. */
async function* plainLines(handle: FileHandle, from: number): AsyncGenerator<Buffer, void> {
  for (let position = from; ;) {
    const buffer = Buffer.allocUnsafe(chunkSize)
    const { bytesRead } = await handle.read(buffer, 0, chunkSize, position)
    const lines = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(newline) + 1)
    if (lines.length === 0) return
    position += lines.length
    yield lines
  }
}

/** The lines of a compressed file, many at once. */
async function* inflatedLines(handle: FileHandle): AsyncGenerator<Buffer, void> {
  const source = handle.createReadStream({ autoClose: false, start: 0 })
  const inflated = source.pipe(createGunzip())
  source.on('error', (error) => inflated.destroy(error))
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of inflated) {
    const bytes = Buffer.concat([rest, chunk as Buffer])
    const end = bytes.lastIndexOf(newline) + 1
    if (end > 0) yield bytes.subarray(0, end)
    rest = bytes.subarray(end)
  }
}
