import type { FileHandle } from 'node:fs/promises'

/** So much may wait to be written while more is received. */
const maxPendingBytes = 1024 ** 2

/** Told of each chunk before it is written. What it throws ends the work; the chunk is not written then. */
export interface ChunkWatcher {
  accept(chunk: Buffer): void
}

/**
 * Appends chunks to a file: while some are on their way to the disk the next ones are received, and then written
 * in one go. However it ends, all that was accepted is written, unless writing itself fails.
 */
export async function appendChunks(
  file: FileHandle,
  source: AsyncIterable<Buffer>,
  watcher: ChunkWatcher,
): Promise<void> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let failure: { readonly error: unknown } | undefined
  let writing: Promise<void> | undefined
  const flush = (): void => {
    if (writing !== undefined || pendingBytes === 0) return
    const chunks = pending
    pending = []
    pendingBytes = 0
    writing = writeAll(file, chunks).then(
      () => {
        writing = undefined
        flush()
      },
      (error: unknown) => {
        failure = { error }
        writing = undefined
      },
    )
  }
  const settle = async (limit: number): Promise<void> => {
    while (writing !== undefined && (limit === 0 || pendingBytes > limit)) await writing
    if (failure !== undefined) throw failure.error
  }
  try {
    for await (const chunk of source) {
      watcher.accept(chunk)
      pending.push(chunk)
      pendingBytes += chunk.length
      flush()
      await settle(maxPendingBytes)
    }
  } finally {
    await settle(0)
  }
}

/** writev(2) may write less than it was given. */
async function writeAll(file: FileHandle, chunks: Buffer[]): Promise<void> {
  const { bytesWritten } = await file.writev(chunks)
  let skip = bytesWritten
  for (const chunk of chunks) {
    if (skip >= chunk.length) skip -= chunk.length
    else {
      await file.writeFile(chunk.subarray(skip))
      skip = 0
    }
  }
}
