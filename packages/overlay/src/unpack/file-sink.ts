import { closeSync, ftruncateSync, writeSync } from 'node:fs'
import type { ContentSink } from '../archive/entry-content.js'
import { systemError } from '../errors.js'
import { readable, type ByteString } from '../files/byte-string.js'

/** Writes the content of one new file; holes stay holes. */
export class FileSink implements ContentSink {
  readonly #fd: number
  readonly #path: ByteString
  readonly #finish: (fd: number) => void
  #position = 0
  #endsInHole = false
  #open = true

  /**
   * @param fd - The empty file. Closed when the content is whole, or will not become so.
   * @param path - Its name, for errors.
   * @param finish - Called with the whole file.
   */
  constructor(fd: number, path: ByteString, finish: (fd: number) => void) {
    this.#fd = fd
    this.#path = path
    this.#finish = finish
  }

  write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#position + done)
      }
    } catch (error) {
      throw systemError('unpack', readable(this.#path), error)
    }
    this.#position += bytes.length
    this.#endsInHole = false
  }

  skip(bytes: number): void {
    this.#position += bytes
    this.#endsInHole = true
  }

  end(): void {
    try {
      if (this.#endsInHole) ftruncateSync(this.#fd, this.#position)
      this.#finish(this.#fd)
    } catch (error) {
      throw systemError('unpack', readable(this.#path), error)
    } finally {
      this.abort()
    }
  }

  abort(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.#fd)
  }
}
