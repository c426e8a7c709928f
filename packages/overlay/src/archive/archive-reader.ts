import { extract, type Extract, type Header, type ExtractEvents } from 'tar-stream'
import { OverlayError } from '../errors.js'
import { archiveEntry, type ArchiveEntry } from './archive-entry.js'
import { readHeadersBetween } from './headers-between.js'
import { RawWindow } from './raw-window.js'

/** Takes the content of one file, in order. */
export interface ContentSink {
  write(bytes: Uint8Array): void
  /** The content is whole. */
  end(): void
  /** The content will not become whole. */
  abort(): void
}

/** Takes entries as they come; gives back where a file's content goes. Both are synchronous. */
export type EntryHandler = (entry: ArchiveEntry) => ContentSink | undefined

type Source = ExtractEvents['entry'][1]
type Next = ExtractEvents['entry'][2]

/** After so many entries handled within each other the stack is unwound. */
const deepest = 32

/**
 * Reads a tar of any common dialect (v7, ustar, PAX, GNU) through tar-stream, and adds what a layer needs
 * beyond it: names and extended attributes as bytes, times in nanoseconds, ids from PAX, and an end at the
 * end marker as other readers have it.
 */
export class ArchiveReader {
  readonly #handler: EntryHandler
  readonly #window = new RawWindow()
  readonly #extract: Extract
  /** Offset behind the content of the last entry. */
  #entryEnd = 0
  #ended = false
  #depth = 0
  #open: ContentSink | undefined
  #failure: { readonly error: unknown } | undefined
  #closed = false
  #wake: () => void = () => undefined

  constructor(handler: EntryHandler) {
    this.#handler = handler
    // both options are read by tar-stream and missing in its types
    const options: object = { filenameEncoding: 'latin1', allowUnknownFormat: true }
    this.#extract = extract(options)
      .on('entry', (header, source, next) => this.#entry(header, source, next))
      .on('error', (error) => this.#fail(malformed(error)))
      .on('drain', () => this.#wake())
      .on('close', () => {
        this.#closed = true
        this.#wake()
      })
  }

  /** Reads on. Resolves when there is room for more. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#check()
    if (this.#ended) return // whatever follows the end marker is no part of the archive
    this.#window.push(chunk)
    if (!this.#extract.write(chunk)) await this.#woken()
    this.#check()
  }

  /** There is no more. Resolves when the last entry has its content. */
  async end(): Promise<void> {
    this.#check()
    if (this.#ended) {
      this.destroy()
      return
    }
    this.#extract.end(null)
    while (!this.#closed || this.#open !== undefined) {
      await this.#woken()
      this.#check()
    }
    this.#check()
  }

  /** Gives up: the file that is being written is aborted. Idempotent. */
  destroy(): void {
    this.#extract.destroy()
    this.#open?.abort()
    this.#open = undefined
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (this.#failure !== undefined) resolve()
    })
  }

  #check(): void {
    if (this.#failure === undefined) return
    this.destroy()
    throw this.#failure.error
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  #entry(header: Header, source: Source, next: Next): void {
    try {
      const sink = this.#begin(header, source.offset)
      // tar-stream has read the content of folders already: they have none
      if (header.size === 0 || header.type === 'directory') {
        sink?.end()
        this.#next(next)
      } else {
        this.#content(source, sink, next)
      }
    } catch (error) {
      this.#fail(error)
      this.#extract.destroy()
    }
  }

  #begin(header: Header, offset: number): ContentSink | undefined {
    if (this.#ended) return undefined
    const between = readHeadersBetween(
      offset === this.#entryEnd ? none : this.#window.slice(this.#entryEnd, offset),
    )
    const content = header.type === 'directory' ? 0 : header.size
    this.#entryEnd = offset + 512 + Math.ceil(content / 512) * 512
    this.#window.forget(this.#entryEnd)
    this.#ended = between.ended
    return this.#ended ? undefined : this.#handler(archiveEntry(header, between))
  }

  #content(source: Source, sink: ContentSink | undefined, next: Next): void {
    this.#open = sink
    source.on('data', (bytes) => {
      if (this.#open === undefined || this.#failure !== undefined) return
      try {
        this.#open.write(bytes as Uint8Array)
      } catch (error) {
        this.#fail(error)
        this.#extract.destroy()
      }
    })
    source.on('error', () => undefined) // reported by the archive's stream
    source.on('end', () => {
      if (this.#failure !== undefined) return
      try {
        this.#open?.end()
        this.#open = undefined
        next()
        if (this.#closed) this.#wake()
      } catch (error) {
        this.#fail(error)
        this.#extract.destroy()
      }
    })
  }

  /** Entries without content come one within the other; now and then the stack is unwound. */
  #next(next: Next): void {
    if (this.#depth >= deepest) {
      queueMicrotask(() => next())
      return
    }
    this.#depth += 1
    next()
    this.#depth -= 1
  }
}

const none = new Uint8Array(0)

/** What tar-stream finds wrong, in this package's terms. */
function malformed(error: Error): OverlayError {
  return new OverlayError('ERR_OVERLAY_ARCHIVE', `cannot read the archive: ${error.message}`, {
    cause: error,
  })
}
