import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a container printed. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** What to read of a container's logs. */
export interface LogOptions {
  /** Go on with what it prints from now on, until it has ended. Default false. */
  readonly follow?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

const followEveryMs = 50

/** Reads the log files of a container. */
export async function* readLogs(
  folder: string,
  { follow = false, signal, ended }: LogOptions & { readonly ended: () => Promise<unknown> },
): AsyncGenerator<LogEntry> {
  const files = [
    { stream: 'stdout' as const, file: await openLog(folder, 'stdout.log') },
    { stream: 'stderr' as const, file: await openLog(folder, 'stderr.log') },
  ]
  let over = !follow
  if (follow) {
    const stop = (): void => {
      over = true
    }
    ended().then(stop, stop)
  }
  try {
    for (;;) {
      const last = over // what was printed before the end is still read
      for (const { stream, file } of files) {
        if (file === undefined) continue
        for await (const bytes of rest(file)) yield { stream, bytes }
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

/** What is in the file behind the position of its handle. */
async function* rest(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const buffer = Buffer.allocUnsafe(64 * 1024)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}
