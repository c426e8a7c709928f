import { LinuxError } from '../errors.js'
import { native } from '../native.js'

/** How far a piece got. */
export interface Decompressed {
  /** Bytes of the input that are not needed any more. */
  readonly read: number
  /** Bytes of the output. */
  readonly written: number
}

/** Memory that a thread of the pool reads or writes. */
export interface Place {
  readonly address: bigint
  readonly length: number
}

/**
 * Decompresses what comes piece by piece, into memory of the caller, on a thread of libuv's pool. `node:zlib` does so
 * into new memory each time, which costs more than the decompressing itself where that is little.
 */
export abstract class Decompressor implements Disposable {
  #isOpen = true
  #running: Promise<unknown> | undefined

  /** True where the input may end. */
  abstract get isWhole(): boolean

  /**
   * Decompresses until the input is used up or the output is full; then there may be more, also without more input.
   * Both must stay as they are, and here, until this resolves. One call at a time.
   *
   * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: the input is of another format, or damaged.
   */
  async run(input: Uint8Array, output: Uint8Array): Promise<Decompressed> {
    if (!this.#isOpen || this.#running !== undefined) {
      const why = this.#isOpen ? 'the piece before is not through' : 'it has ended'
      throw new LinuxError('ERR_LINUX_INVALID_ARG', `cannot go on decompressing: ${why}`)
    }
    const [from, to] = [placeOf(input), placeOf(output)]
    const running = this.step(from, to, input)
    this.#running = running
    try {
      const result = await running
      // asked of them afterwards, so that V8 keeps them until then
      if (input.byteLength === from.length && output.byteLength === to.length) return result
      throw new LinuxError('ERR_LINUX_INVALID_ARG', 'cannot decompress: its memory was given away meanwhile')
    } finally {
      this.#running = undefined
    }
  }

  /** Gives its memory back, once no thread uses it any more. Idempotent. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const free = (): void => this.free()
    if (this.#running === undefined) free()
    else this.#running.then(free, free)
  }

  /** One call on the pool. */
  protected abstract step(from: Place, to: Place, input: Uint8Array): Promise<Decompressed>

  /** Gives back what the library has. */
  protected abstract free(): void
}

function placeOf(bytes: Uint8Array): Place {
  const length = bytes.byteLength
  return { address: length === 0 ? 0n : BigInt(native().addressOf(bytes)), length }
}
