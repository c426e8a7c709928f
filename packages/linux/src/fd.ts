import { LinuxError } from './errors.js'
import { closeFd } from './calls/descriptors.js'

/**
 * Owner of a file descriptor: `using fd = new Fd(openat2(...))`. Descriptors are plain numbers everywhere, as
 * in `node:fs`; whoever must close one holds it in an `Fd`.
 */
export class Fd implements Disposable {
  #number: number | undefined

  constructor(number: number) {
    this.#number = number
  }

  /**
   * The descriptor.
   *
   * @throws {@link LinuxError} `ERR_LINUX_CLOSED` after `close()` or `release()`.
   */
  get number(): number {
    if (this.#number === undefined) {
      throw new LinuxError('ERR_LINUX_CLOSED', 'cannot use a descriptor that was closed or given away')
    }
    return this.#number
  }

  /** Gives the descriptor away: it is no longer closed by this owner. */
  release(): number {
    const number = this.number
    this.#number = undefined
    return number
  }

  /** Closes the descriptor; once closed, does nothing. */
  close(): void {
    if (this.#number === undefined) return
    const number = this.#number
    this.#number = undefined
    closeFd(number)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
