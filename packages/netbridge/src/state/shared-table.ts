import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { flock, LOCK_EX, LOCK_UN } from '@ctr/linux'
import { hasCode, stateError } from './files.js'

/** Lines that are written before a file is worth writing anew. */
const FEWEST_LINES = 4096

/** What a {@link SharedTable} is changed by, while nobody else can. */
export interface TableChange {
  /** The value of a key; undefined when it has none. */
  readonly get: (key: string) => string | undefined
  /** Gives a key a value. A key has neither blank nor line feed in it, a value no line feed. */
  readonly set: (key: string, value: string) => void
  /** Takes a key away, if it is there. */
  readonly delete: (key: string) => void
  /** All keys and values. */
  readonly entries: () => (readonly [key: string, value: string])[]
}

/**
 * Keys and values that any number of processes share: a file with a line for each change, which is only appended to
 * while its writer has it locked, flock(2). Each process reads what the others have added. So a change takes a few
 * system calls however large the table is, and makes no inode: file systems are slow at that, ext4 the slower the more
 * were deleted in the last minutes.
 *
 * Whoever is killed loses the lock, and at most a line that is cut off: that is no line, and the next writer
 * overwrites it. Nothing is synced to disk. A file that has grown much longer than what it says is written anew and
 * renamed.
 */
export class SharedTable {
  readonly #path: string
  #fd: number | undefined
  #values = new Map<string, string>()
  /** Bytes and lines of the file that are in {@link #values}. */
  #length = 0
  #lines = 0
  /** Bytes of the file: more than {@link #length} when its end is not a whole line. */
  #size = 0
  /** Told of each key that another process has taken away. */
  onDelete: ((key: string) => void) | undefined

  /** @param path - The file, made by the first change. Its folder must be there. */
  constructor(path: string) {
    this.#path = path
  }

  /** The value of a key as of now; undefined when it has none. */
  get(key: string): string | undefined {
    this.refresh()
    return this.#values.get(key)
  }

  /** All keys and values as of now. */
  entries(): (readonly [key: string, value: string])[] {
    this.refresh()
    return [...this.#values]
  }

  /** Reads what others have changed. */
  refresh(): void {
    try {
      for (let fd = this.#open(0); fd !== undefined; fd = this.#open(0)) {
        const { nlink, size } = fstatSync(fd)
        if (nlink > 0) {
          this.#read(size)
          return
        }
        this.close()
      }
    } catch (error) {
      throw stateError(`read ${this.#path}`, error)
    }
  }

  /**
   * Changes the table while nobody else does: all that `body` says, or nothing when it throws. It must not wait for
   * anything, nor use the table in another way.
   */
  change<Result>(body: (change: TableChange) => Result): Result {
    return this.#changeIn(this.#lock(constants.O_CREAT)!, body)
  }

  /** Takes a key away if it has this value; not even the file need be there. */
  deleteIf(key: string, value: string): void {
    const fd = this.#lock(0)
    if (fd === undefined) return
    this.#changeIn(fd, (table) => {
      if (table.get(key) === value) table.delete(key)
    })
  }

  #changeIn<Result>(fd: number, body: (change: TableChange) => Result): Result {
    const lines: string[] = []
    try {
      const result = body({
        get: (key) => this.#values.get(key),
        set: (key, value) => {
          this.#values.set(key, value)
          lines.push(`${key} ${value}\n`)
        },
        delete: (key) => {
          if (this.#values.delete(key)) lines.push(`${key}\n`)
        },
        entries: () => [...this.#values],
      })
      this.#append(fd, lines)
      flock(fd, LOCK_UN)
      return result
    } catch (error) {
      if (lines.length > 0) this.#forget()
      else flock(fd, LOCK_UN)
      throw error
    }
  }

  /** Closes the file. It is opened again when it is needed. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** Locks the file, and reads it to its end. Undefined when there is none, and none is to be made. */
  #lock(flags: number): number | undefined {
    try {
      while (true) {
        const fd = this.#open(flags)
        if (fd === undefined) return undefined
        flock(fd, LOCK_EX)
        const { nlink, size } = fstatSync(fd)
        // whoever had it may have written the file anew, or removed the network
        if (nlink > 0) {
          this.#read(size)
          if (this.#lines < FEWEST_LINES || this.#lines < 4 * this.#values.size) return fd
          this.#writeAnew()
        }
        this.close()
      }
    } catch (error) {
      this.close()
      throw stateError(`lock ${this.#path}`, error)
    }
  }

  /** @returns Undefined when there is no file, and none is to be made. */
  #open(flags: number): number | undefined {
    if (this.#fd !== undefined) return this.#fd
    try {
      this.#fd = openSync(this.#path, constants.O_RDWR | flags, 0o600)
    } catch (error) {
      if (flags !== 0 || !hasCode(error, 'ENOENT')) throw error
    }
    const before = this.#values
    this.#values = new Map()
    this.#length = 0
    this.#lines = 0
    if (this.#fd !== undefined) this.#read(fstatSync(this.#fd).size)
    for (const key of before.keys()) if (!this.#values.has(key)) this.onDelete?.(key)
    return this.#fd
  }

  #read(size: number): void {
    this.#size = size
    if (size <= this.#length) return
    const bytes = Buffer.alloc(size - this.#length)
    const end = bytes.subarray(0, readSync(this.#fd!, bytes, 0, bytes.length, this.#length)).lastIndexOf('\n')
    const lines = bytes.toString('latin1', 0, end + 1).split('\n')
    for (const line of lines.slice(0, -1)) this.#take(line)
    this.#length += end + 1
    this.#lines += lines.length - 1
  }

  #take(line: string): void {
    const blank = line.indexOf(' ')
    if (blank !== -1) this.#values.set(line.slice(0, blank), line.slice(blank + 1))
    else if (this.#values.delete(line)) this.onDelete?.(line)
  }

  #append(fd: number, lines: readonly string[]): void {
    if (lines.length === 0) return
    try {
      if (this.#size > this.#length) ftruncateSync(fd, this.#length) // somebody was killed while writing
      writeWhole(fd, lines.join(''), this.#length)
      this.#length += lines.reduce((sum, line) => sum + line.length, 0)
      this.#lines += lines.length
    } catch (error) {
      throw stateError(`write ${this.#path}`, error)
    }
  }

  #writeAnew(): void {
    const temporary = join(dirname(this.#path), `.${basename(this.#path)}.new`)
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600)
    try {
      writeWhole(fd, [...this.#values].map(([key, value]) => `${key} ${value}\n`).join(''), 0)
      renameSync(temporary, this.#path)
    } finally {
      closeSync(fd)
    }
  }

  /** What was not written must not be known either: all is read again. Lets go of the lock. */
  #forget(): void {
    try {
      if (this.#fd !== undefined) ftruncateSync(this.#fd, this.#length)
    } finally {
      this.close()
    }
  }
}

/** A disk that fills up may take a part, and says so at the next try. */
function writeWhole(fd: number, text: string, position: number): void {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, position + at)
}
