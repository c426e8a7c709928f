import { open, type FileHandle } from 'node:fs/promises'
import { removeFile } from '../blobs/durable.js'
import type { Expected } from '../blobs/verify.js'

/** So much is read at once for a client. */
const pieceBytes = 256 * 1024

/**
 * One blob on its way into the store, and to any number of clients meanwhile. They read from the file as far as
 * it has grown; the last byte is theirs only when the whole was verified, so nobody takes wrong content for
 * complete.
 */
export class Download {
  readonly expected: Expected
  /** Settles when the blob is stored, or is not going to be. */
  readonly ended: Promise<void>
  readonly #path: string
  readonly #file: FileHandle
  #available = 0
  #failure: { readonly error: unknown } | undefined
  #readers = 0
  #isOver = false
  #grown = newSignal()

  private constructor(
    expected: Expected,
    path: string,
    file: FileHandle,
    source: AsyncIterable<Buffer>,
    store: () => Promise<void>,
  ) {
    this.expected = expected
    this.#path = path
    this.#file = file
    this.ended = this.#run(source, store)
  }

  /**
   * Begins.
   *
   * @param path - The file to write.
   * @param source - The bytes; it ends in an error unless they are the expected ones.
   * @param store - Takes the finished file into the store.
   */
  static async begin(
    expected: Expected,
    path: string,
    source: AsyncIterable<Buffer>,
    store: () => Promise<void>,
  ): Promise<Download> {
    return new Download(expected, path, await open(path, 'wx+', 0o644), source, store)
  }

  /** The bytes from `start` to `end`, both included, as they come. Fails when the download does. */
  async *read(start: number, end: number): AsyncGenerator<Buffer, void> {
    this.#readers++
    try {
      for (let position = start; position <= end;) {
        while (this.#available <= position && this.#failure === undefined) await this.#grown.promise
        if (this.#failure !== undefined) throw this.#failure.error
        const length = Math.min(pieceBytes, end + 1 - position, this.#available - position)
        const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, position)
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      this.#readers--
      await this.#closeUnused()
    }
  }

  async #run(source: AsyncIterable<Buffer>, store: () => Promise<void>): Promise<void> {
    try {
      let written = 0
      for await (const chunk of source) {
        await this.#file.appendFile(chunk)
        written += chunk.length
        this.#grow(Math.min(written, this.expected.size - 1))
      }
      await store()
      this.#grow(this.expected.size)
    } catch (error) {
      this.#failure = { error }
      this.#grow(this.#available)
      await removeFile(this.#path)
      throw error
    } finally {
      this.#isOver = true
      await this.#closeUnused()
    }
  }

  #grow(available: number): void {
    this.#available = available
    const { resolve } = this.#grown
    this.#grown = newSignal()
    resolve()
  }

  async #closeUnused(): Promise<void> {
    if (!this.#isOver || this.#readers > 0) return
    this.#readers = Infinity // closed once
    await this.#file.close()
  }
}

function newSignal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
