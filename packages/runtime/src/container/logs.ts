import { statSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tailPosition } from './log-tail.js'

/** What a container printed. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** A place in the logs: bytes of each stream before it. */
export interface LogPosition {
  readonly stdout: number
  readonly stderr: number
}

/** What to read of a container's logs. */
export interface LogOptions {
  /** Go on with what it prints from now on, until it has ended. Default false. */
  readonly follow?: boolean | undefined
  /** Only what was printed after this. Default: everything. */
  readonly after?: LogPosition | undefined
  /** Of what was printed before now, only so many of the last lines of each stream. Default: everything. */
  readonly tail?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const followEveryMs = 50

const names = { stdout: 'stdout.log', stderr: 'stderr.log' } as const

/** The end of the log files of a container. */
export function logPosition(folder: string): LogPosition {
  const sizeOf = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  return { stdout: sizeOf(names.stdout), stderr: sizeOf(names.stderr) }
}

/** Reads the log files of a container. */
export async function* readLogs(
  folder: string,
  { follow = false, after, tail, signal, ended }: LogOptions & { readonly ended: () => Promise<unknown> },
): AsyncGenerator<LogEntry> {
  const files = [
    { stream: 'stdout' as const, file: await openLog(folder, names.stdout), at: after?.stdout ?? 0 },
    { stream: 'stderr' as const, file: await openLog(folder, names.stderr), at: after?.stderr ?? 0 },
  ]
  let over = !follow
  if (follow) {
    const stop = (): void => {
      over = true
    }
    ended().then(stop, stop)
  }
  try {
    for (const log of tail === undefined ? [] : files)
      if (log.file !== undefined) log.at = await tailPosition(log.file, tail!, log.at)
    for (;;) {
      const last = over // what was printed before the end is still read
      for (const log of files) {
        if (log.file === undefined) continue
        for await (const bytes of rest(log.file, log.at)) {
          log.at += bytes.length
          yield { stream: log.stream, bytes }
        }
      }
      if (last) return
      await sleep(followEveryMs, undefined, { signal })
    }
  } finally {
    for (const { file } of files) await file?.close()
  }
}

async function openLog(folder: string, name: string): Promise<FileHandle | undefined> {
  try {
    return await open(join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** What is in the file behind a position. */
async function* rest(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let at = from; ;) {
    const buffer = Buffer.allocUnsafe(64 * 1024)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
