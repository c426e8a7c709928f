import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { errnoOf, RegistryError } from '../errors.js'
import { ioError } from './durable.js'
import { LentPiece } from './lent-piece.js'
import type { Expected } from './verify.js'

/** Bytes that are read at once, and waited for: what is made of fewer costs as many steps of as many threads. */
const pieceSize = 1024 * 1024

/** A reader that is no further behind is waited for: it is handed what comes, and need not read the file. */
const near = 4 * pieceSize

/** A blob that is on its way into a store: to begin with what it is wanted for. */
export interface ArrivingBlob {
  /**
   * Its bytes from the first one on, as they come, **unchecked**. They end when all have come and were found to be what
   * they should be. When that fails, or the download has to begin anew, so does the stream.
   */
  open(): Readable
  /**
   * The same without a copy: a piece stays as it is until the next one is asked for, and the download waits as long. Go
   * on to the end, or leave the iteration.
   */
  pieces(): AsyncIterable<Buffer>
  /** Whether these bytes turned out to be what they should be. Settles once nothing more comes. */
  readonly verified: Promise<boolean>
}

/** A piece takes a reader less, as long as he keeps up. */
const usualMs = 10

/** One who has taken so much longer in all is too slow to be waited for: the blob is better on the disk sooner. */
const mostDebtMs = 100

/** One who reads, while the reading goes on. */
interface Reader {
  /** Of what was not read yet. */
  position: number
  lent: LentPiece | undefined
  /** How much longer than usual he has had pieces lately. */
  debtMs: number
}

/** The side of who writes: says how far the file goes, and how it ends. */
export class Arrival implements ArrivingBlob {
  readonly verified: Promise<boolean>
  readonly #expected: Expected
  readonly #paths: readonly string[]
  readonly #settle: (isGood: boolean) => void
  readonly #readers = new Set<Reader>()
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

  /**
   * Hands those who read what comes next, before it is in the file.
   *
   * @returns Resolves once they are through with it, or do not want it.
   */
  async lend(position: number, bytes: Buffer): Promise<void> {
    const lent: LentPiece[] = []
    for (const reader of this.#readers) {
      if (position - reader.position > near || reader.debtMs > mostDebtMs) continue
      reader.lent = new LentPiece(position, bytes)
      lent.push(reader.lent)
    }
    if (lent.length === 0) return
    this.#wake()
    await Promise.all(lent.map((piece) => piece.returned))
  }

  /** Reckons how long a reader has had a piece. */
  #settleDebt(reader: Reader, sinceMs: number): void {
    if (reader.debtMs > mostDebtMs) return // he reads the file from now on
    reader.debtMs = Math.max(0, reader.debtMs + performance.now() - sinceMs - usualMs)
  }

  /** Nothing more comes. The first call counts. */
  end(isGood: boolean): void {
    this.#outcome ??= isGood
    this.#settle(this.#outcome)
    this.#wake()
  }

  open(): Readable {
    const copied = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
      for await (const piece of pieces) yield Buffer.from(piece)
    }
    return Readable.from(copied(this.pieces()), { objectMode: false, highWaterMark: 1 })
  }

  async *pieces(): AsyncGenerator<Buffer, void> {
    const reader: Reader = { position: 0, lent: undefined, debtMs: 0 }
    let file: FileHandle | undefined
    let buffer: Buffer | undefined
    let lent: LentPiece | undefined
    this.#readers.add(reader)
    try {
      while (await this.#hasMore(reader)) {
        lent = reader.lent?.position === reader.position ? reader.lent : undefined
        if (lent !== undefined) {
          reader.lent = undefined
          const bytes = lent.take()
          if (bytes === undefined) continue // it was waited for too long
          reader.position += bytes.byteLength
          const sinceMs = performance.now()
          yield bytes
          this.#settleDebt(reader, sinceMs)
          lent.giveBack()
          continue
        }
        file ??= await this.#file()
        buffer ??= Buffer.allocUnsafeSlow(pieceSize)
        const length = Math.min(pieceSize, this.#size - reader.position)
        const { bytesRead } = await file.read(buffer, 0, length, reader.position)
        if (bytesRead === 0) throw this.#gone()
        reader.position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } catch (error) {
      throw ioError(`read blob ${this.#expected.digest}`, error)
    } finally {
      this.#readers.delete(reader)
      lent?.giveBack()
      reader.lent?.giveBack()
      await file?.close()
    }
  }

  /** Waits until a reader can go on. False at the end. */
  async #hasMore(reader: Reader): Promise<boolean> {
    const enough = Math.max(1, Math.min(pieceSize, this.#expected.size - reader.position))
    for (;;) {
      if (this.#outcome === false) throw this.#gone()
      if (reader.lent?.position === reader.position) return true
      const inFile = this.#size - reader.position // negative while what was lent is being written
      if (this.#outcome === true) return inFile > 0
      // whoever lends a piece behind waits
      if (inFile >= (reader.lent === undefined ? enough : 1)) return true
      await this.#change()
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
