import { closeSync, openSync } from 'node:fs'
import { flock, isSyscallError, LOCK_EX, LOCK_NB } from '@ctr/linux'

/** Something that one process of the host does at a time, until it lets go or ends: a lock on a file, flock(2). */
export class Turn implements Disposable {
  readonly #path: string
  #fd: number | undefined

  /** @param path - Made if it is not there. */
  constructor(path: string) {
    this.#path = path
  }

  /** @returns False when it is another one's. */
  take(): boolean {
    if (this.#fd !== undefined) return true
    const fd = openSync(this.#path, 'a', 0o600)
    try {
      flock(fd, LOCK_EX | LOCK_NB)
      this.#fd = fd
      return true
    } catch (error) {
      closeSync(fd)
      if (isSyscallError(error) && error.code === 'EAGAIN') return false
      throw error
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
