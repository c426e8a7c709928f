import type { FileHandle } from 'node:fs/promises'

/**
 * Has the disk write large files while they come. A kernel with much memory begins when they are whole, and whoever
 * waits for fsync(2) then waits for all of their bytes. One file has a turn at a time: it takes a thread of the pool.
 */
export class EarlySync {
  /** A file gets a turn every so many bytes. */
  static readonly step = 32 * 1024 * 1024
  #isBusy = false

  /**
   * Writes to the disk what a file has so far. What fails is told once, here, and not by a later fsync(2) again.
   *
   * @returns Undefined when another file has its turn.
   */
  begin(file: FileHandle): Promise<void> | undefined {
    if (this.#isBusy) return undefined
    this.#isBusy = true
    return file.datasync().finally(() => {
      this.#isBusy = false
    })
  }
}
