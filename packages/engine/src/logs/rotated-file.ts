import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { compressFile } from './compress-file.js'

/** Bounds of a log that is kept in files. */
export interface RotationLimits {
  /** Bytes of a file, after which the next one is begun. Undefined: it grows for ever. */
  readonly maxSize: number | undefined
  /** Files that are kept, with the one that is written. At least 1. */
  readonly maxFiles: number
  /** Whether those that are full are compressed. */
  readonly compress: boolean
}

/** A file of a log, open for reading. The caller closes it. */
export interface OpenedFile {
  readonly handle: FileHandle
  readonly compressed: boolean
}

/** Output that may wait for the disk before whoever writes has to. */
const mostWaiting = 1024 * 1024

/**
 * A file that is appended to, and its predecessors: `PATH.1`, `PATH.2` and so on, the newest first, each perhaps with
 * `.gz`. Files are counted by _generations_, which do not change when files are renamed: whoever reads one after the
 * other is not lost while the log goes on.
 */
export class RotatedFile {
  readonly path: string
  readonly #limits: RotationLimits
  readonly #onError: (error: unknown) => void
  #generation = 0
  #handle: FileHandle | undefined
  #size = 0
  #waiting: Buffer[] = []
  #waitingSize = 0
  #work: Promise<void> | undefined
  #room: (() => void)[] = []
  #compressing: Promise<void> | undefined
  #hasFailed = false
  #changed: (() => void)[] = []

  /** @param onError - Told once when writing begins to fail, and again when it does so after it went well. */
  constructor(path: string, limits: RotationLimits, onError: (error: unknown) => void) {
    this.path = path
    this.#limits = limits
    this.#onError = onError
  }

  /** Number of the file that is written. Those before it have smaller ones, also negative. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Appends whole entries. Never fails: what cannot be written (a full disk) is reported, and lost.
   *
   * @returns Undefined, or what to wait for before more is given.
   */
  append(entries: Buffer): Promise<void> | undefined {
    this.#waiting.push(entries)
    this.#waitingSize += entries.length
    this.#work ??= this.#writeAll()
    if (this.#waitingSize < mostWaiting) return undefined
    return new Promise((resolve) => this.#room.push(resolve))
  }

  /** Resolves when everything is in the file. It is opened again by the next entries. */
  async close(): Promise<void> {
    await this.#work
    await this.#compressing
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /** Opens the file of a generation. @returns Undefined when there is none, or none any more. */
  async open(generation: number): Promise<OpenedFile | undefined> {
    for (;;) {
      const now = this.#generation
      const index = now - generation
      const name = index === 0 ? this.path : `${this.path}.${index}`
      // a file is there under the one or the other name, and may change it in between
      for (const path of index === 0 ? [name] : [name, `${name}.gz`, name]) {
        const handle = await openOptional(path)
        if (handle === undefined) continue
        if (this.#generation === now) return { handle, compressed: path.endsWith('.gz') }
        await handle.close()
        break
      }
      if (this.#generation === now) return undefined
    }
  }

  /** Number of the oldest file that is there. */
  oldest(): number {
    const name = basename(this.path)
    const indices = readFolder(dirname(this.path)).flatMap((entry) => {
      if (!entry.startsWith(`${name}.`)) return []
      const index = /^(\d{1,6})(\.gz)?$/.exec(entry.slice(name.length + 1))?.[1]
      return index === undefined ? [] : [Number(index)]
    })
    return this.#generation - Math.max(0, ...indices)
  }

  /** Resolves when there is more to read, or {@link wake} was called. */
  whenChanged(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.#changed.push(done)
      signal?.addEventListener('abort', done)
    })
  }

  /** Wakes those who read: there is more, or no more will come. */
  wake(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const entries = Buffer.concat(this.#waiting)
      this.#waiting = []
      try {
        await this.#write(entries)
        this.#hasFailed = false
      } catch (error) {
        if (!this.#hasFailed)
          this.#onError(new Error(`cannot write ${this.path}: output is lost`, { cause: error }))
        this.#hasFailed = true
      }
      this.#waitingSize -= entries.length
      for (const resolve of this.#room.splice(0)) resolve()
      this.wake()
    }
    this.#work = undefined
  }

  async #write(entries: Buffer): Promise<void> {
    const { maxSize = Infinity } = this.#limits
    for (let start = 0; start < entries.length;) {
      let handle = await this.#current()
      if (this.#size >= maxSize) {
        await this.#rotate()
        handle = await this.#current()
      }
      const room = maxSize - this.#size
      // as in Docker, the entry that fills a file is whole
      const end = room >= entries.length - start ? entries.length : entries.indexOf(10, start + room - 1) + 1
      await this.#writePart(handle, entries.subarray(start, end))
      start = end
    }
  }

  async #writePart(handle: FileHandle, part: Buffer): Promise<void> {
    try {
      for (let at = 0; at < part.length;) at += (await handle.write(part, at)).bytesWritten
      this.#size += part.length
    } catch (error) {
      await handle.truncate(this.#size).catch(() => undefined) // the next entry begins a line
      throw error
    }
  }

  async #current(): Promise<FileHandle> {
    if (this.#handle === undefined) {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 })
      this.#handle = await open(this.path, 'a', 0o640)
      this.#size = (await this.#handle.stat()).size
    }
    return this.#handle
  }

  async #rotate(): Promise<void> {
    await this.#compressing
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
    const { maxFiles, compress } = this.#limits
    const last = maxFiles - 1
    // in one go: nobody is to see a file under two numbers
    if (last === 0) rmSync(this.path, { force: true })
    else {
      for (const end of ['', '.gz']) rmSync(`${this.path}.${last}${end}`, { force: true })
      for (let index = last - 1; index > 0; index--)
        for (const end of ['', '.gz'])
          renameOptional(`${this.path}.${index}${end}`, `${this.path}.${index + 1}${end}`)
      renameOptional(this.path, `${this.path}.1`)
    }
    this.#generation++
    if (compress && last > 0)
      this.#compressing = compressFile(`${this.path}.1`).catch((error: unknown) =>
        this.#onError(new Error(`cannot compress ${this.path}.1: it stays as it is`, { cause: error })),
      )
  }
}

function renameOptional(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

async function openOptional(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
