import type { FileHandle } from 'node:fs/promises'
import { EarlySync } from './early-sync.js'

/** Bytes that wait for the disk at most; whoever brings more waits as well. */
const mostWaiting = 1024 * 1024

/**
 * Writes a file from a position on, piece by piece. While one write is under way, what comes next is gathered, and goes
 * to the disk by a single call: pieces of a download are small. The file never has holes: it ends where writing stopped.
 */
export class GatheringWriter {
  readonly #file: FileHandle
  readonly #onWritten: (end: number) => void
  #end: number
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #running: Promise<void> | undefined
  readonly #early: EarlySync | undefined
  /** What was before here when the disk last had a turn. */
  #syncedTo: number
  #syncing: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  /**
   * @param position - Where the first piece goes.
   * @param onWritten - Told how far the file goes, after each write.
   * @param early - Has the disk write while more comes. Default: it does when it likes.
   */
  constructor(file: FileHandle, position: number, onWritten: (end: number) => void, early?: EarlySync) {
    this.#file = file
    this.#end = position
    this.#onWritten = onWritten
    this.#early = early
    this.#syncedTo = position
  }

  /**
   * Takes the next piece, whose bytes must stay as they are until {@link written} or {@link flush}. Resolves when there is room for more.
   * What a write throws comes out of the calls after it.
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#check()
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.byteLength
    if (this.#running === undefined) this.#begin()
    else if (this.#waitingBytes >= mostWaiting) await this.#running
    this.#check()
  }

  /** Waits until all is written. */
  async written(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    this.#check()
  }

  /** Waits until all is written, and nothing uses the file any more. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await this.#syncing
    this.#check()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #begin(): void {
    const pieces = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.#running = this.#writeAll(pieces).then(
      () => {
        this.#running = undefined
        this.#onWritten(this.#end)
        this.#syncSome()
        if (this.#waiting.length > 0) this.#begin()
      },
      (error: unknown) => {
        this.#running = undefined
        this.#failure = { error }
      },
    )
  }

  #syncSome(): void {
    if (this.#syncing !== undefined || this.#end - this.#syncedTo < EarlySync.step) return
    const turn = this.#early?.begin(this.#file)
    if (turn === undefined) return
    this.#syncedTo = this.#end
    this.#syncing = turn
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#syncing = undefined
      })
  }

  async #writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    for (let left = pieces; left.length > 0;) {
      const { bytesWritten } = await this.#file.writev(left as NodeJS.ArrayBufferView[], this.#end)
      this.#end += bytesWritten
      left = behind(left, bytesWritten)
    }
  }
}

/** What is left of pieces when so many of their bytes are written. */
function behind(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let index = 0
  for (; index < pieces.length && written >= pieces[index]!.byteLength; index += 1) {
    written -= pieces[index]!.byteLength
  }
  if (index === pieces.length) return []
  return [pieces[index]!.subarray(written), ...pieces.slice(index + 1)]
}
