import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { errnoOf, RegistryError } from '../errors.js'
import { ioError } from './durable.js'
import type { Expected } from './verify.js'

/** Bytes that are read at once, and waited for: what is made of fewer costs as many steps of as many threads. */
const pieceSize = 1024 * 1024

/** A blob that is on its way into a store: to begin with what it is wanted for. */
export interface ArrivingBlob {
  /**
   * Its bytes from the first one on, as they come, **unchecked**. They end when all have come and were found to be what
   * they should be. When that fails, or the download has to begin anew, so does the stream.
   */
  open(): Readable
  /** Whether these bytes turned out to be what they should be. Settles once nothing more comes. */
  readonly verified: Promise<boolean>
}

/** The side of who writes: says how far the file goes, and how it ends. */
export class Arrival implements ArrivingBlob {
  readonly verified: Promise<boolean>
  readonly #expected: Expected
  readonly #paths: readonly string[]
  readonly #settle: (isGood: boolean) => void
  #size = 0
  #outcome: boolean | undefined
  #waiting: (() => void)[] = []

  /** @param paths - Where its file may be: it is renamed once it is whole. */
  constructor(expected: Expected, paths: readonly string[]) {
    this.#expected = expected
    this.#paths = paths
    let settle!: (isGood: boolean) => void
    this.verified = new Promise((resolve) => {
      settle = resolve
    })
    this.#settle = settle
  }

  /** The file goes up to here. */
  grown(size: number): void {
    this.#size = size
    this.#wake()
  }

  /** Nothing more comes. The first call counts. */
  end(isGood: boolean): void {
    this.#outcome ??= isGood
    this.#settle(this.#outcome)
    this.#wake()
  }

  open(): Readable {
    return Readable.from(this.#read(), { objectMode: false, highWaterMark: 1 })
  }

  async *#read(): AsyncGenerator<Buffer, void> {
    let file: FileHandle | undefined
    try {
      for (let position = 0; ;) {
        const enough = Math.max(1, Math.min(pieceSize, this.#expected.size - position))
        while (this.#size - position < enough && this.#outcome === undefined) await this.#change()
        if (this.#outcome === false) throw this.#gone()
        if (position === this.#size) return
        file ??= await this.#file()
        const buffer = Buffer.allocUnsafeSlow(Math.min(pieceSize, this.#size - position))
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
        if (bytesRead === 0) throw this.#gone()
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } catch (error) {
      throw ioError(`read blob ${this.#expected.digest}`, error)
    } finally {
      await file?.close()
    }
  }

  async #file(): Promise<FileHandle> {
    for (const path of this.#paths) {
      try {
        return await open(path, 'r')
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error
      }
    }
    throw this.#gone()
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #gone(): RegistryError {
    return new RegistryError(
      'ERR_REGISTRY_NO_BLOB',
      `cannot read blob ${this.#expected.digest}: what came of it was given up`,
    )
  }
}
