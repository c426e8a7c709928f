import { Transform, type TransformCallback } from 'node:stream'
import { badRequest } from '../errors.js'

const defaultKeys = 'ctrl-p,ctrl-q'

/**
 * Reads a sequence of keys that lets a client go: `ctrl-p,ctrl-q`; characters, and `ctrl-` with a letter or one of `@[\]^_`.
 *
 * @throws `ApiError` 400.
 */
export function parseDetachKeys(text: string = defaultKeys): Buffer {
  const bytes = text.split(',').map((key) => {
    const [, control, char] = /^(ctrl-)?([\x20-\x7e])$/i.exec(key) ?? []
    if (char === undefined || (control !== undefined && !/^[a-z@[\\\]^_]$/i.test(char)))
      throw badRequest(`invalid detach keys (${text}) provided: ${JSON.stringify(key)} is no key`)
    const code = char.charCodeAt(0)
    return control === undefined ? code : code & 0x1f
  })
  return Buffer.from(bytes)
}

/**
 * A client's input up to the keys that let it go, which are not passed on: it ends there, with the event `detach`. What may
 * be their beginning is held back until it is known.
 */
export class DetachKeys extends Transform {
  readonly #keys: Buffer
  /** How many of the keys have come at the end of what was given so far. */
  #held = 0
  #detached = false

  constructor(keys: Buffer) {
    super()
    this.#keys = keys
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#detached) {
      done()
      return
    }
    const input = this.#held === 0 ? chunk : Buffer.concat([this.#keys.subarray(0, this.#held), chunk])
    const found = input.indexOf(this.#keys)
    this.#held = found < 0 ? this.#beginningAtEnd(input) : 0
    const given = input.subarray(0, found < 0 ? input.length - this.#held : found)
    if (given.length > 0) this.push(given)
    if (found >= 0) {
      this.#detached = true
      this.emit('detach')
      this.push(null)
    }
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#held > 0) this.push(this.#keys.subarray(0, this.#held))
    done()
  }

  #beginningAtEnd(input: Buffer): number {
    let length = Math.min(this.#keys.length - 1, input.length)
    while (!input.subarray(input.length - length).equals(this.#keys.subarray(0, length))) length--
    return length
  }
}
