import { LinuxError } from './errors.js'
import { native } from './native.js'
import { onPool } from './pool.js'

/** How far a piece got. */
export interface Gunzipped {
  /** Bytes of the input that are not needed any more. */
  readonly read: number
  /** Bytes of the output. */
  readonly written: number
}

/** zlib, which Node.js itself inflates with. Pointers are numbers. */
interface Zlib {
  readonly begin: (stream: number, windowBits: number, version: string, size: number) => number
  readonly reset: (stream: number) => number
  readonly inflate: { async(stream: number, flush: number, done: Done): void }
  readonly end: (stream: number) => number
}

type Done = (error: Error | null, result: number) => void

/** `z_stream` of zlib.h on 64 bits. */
const field = { nextIn: 0, availableIn: 8, nextOut: 24, availableOut: 32, size: 112 } as const

const Z_NO_FLUSH = 0
const Z_OK = 0
const Z_STREAM_END = 1
/** Nothing could be done: more input or output is needed. */
const Z_BUF_ERROR = -5

/** The largest window, behind a header of gzip. */
const windowBits = 15 + 16

/**
 * Decompresses gzip that comes piece by piece, into memory of the caller, on a thread of libuv's pool. `node:zlib` does
 * so into new memory each time, which costs more than the decompressing itself where that is little.
 */
export class Gunzip implements Disposable {
  readonly #zlib: Zlib
  /** Outside of V8's heap, which moves small arrays about. */
  readonly #stream = Buffer.from(new ArrayBuffer(4096))
  readonly #address = native().addressOf(this.#stream)
  #isOpen = false
  #state: 'inside' | 'behind a member' | 'behind the last one' = 'inside'
  #running: Promise<number> | undefined

  /** @throws {@link LinuxError} `ERR_LINUX_UNSUPPORTED`: see {@link Gunzip.isThere}. */
  constructor() {
    const zlib = zlibOfNode()
    // zlib itself checks whether its structure is the one that we know
    if (zlib?.begin(this.#address, windowBits, process.versions.zlib, field.size) !== Z_OK)
      throw new LinuxError('ERR_LINUX_UNSUPPORTED', 'cannot decompress: Node.js does not show its zlib')
    this.#zlib = zlib
    this.#isOpen = true
  }

  /** False where Node.js does not show its zlib to others. */
  static get isThere(): boolean {
    return zlibOfNode() !== undefined
  }

  /** True where the input may end: behind a member. */
  get isWhole(): boolean {
    return this.#state !== 'inside'
  }

  /**
   * Decompresses until the input is used up or the output is full; then there may be more, also without more input.
   * Both must stay as they are, and here, until this resolves. One call at a time. Members are put together; what
   * follows a zero behind one is passed over.
   *
   * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: this is no gzip, or it is damaged.
   */
  async run(input: Uint8Array, output: Uint8Array): Promise<Gunzipped> {
    this.#check()
    if (input.length > 0 && this.#state === 'behind a member') {
      if (input[0] === 0) this.#state = 'behind the last one'
      else {
        this.#zlib.reset(this.#address)
        this.#state = 'inside'
      }
    }
    if (this.#state !== 'inside') return { read: input.length, written: 0 }
    this.#stream.writeBigUInt64LE(input.length === 0 ? 0n : addressOf(input), field.nextIn)
    this.#stream.writeUInt32LE(input.length, field.availableIn)
    this.#stream.writeBigUInt64LE(addressOf(output), field.nextOut)
    this.#stream.writeUInt32LE(output.length, field.availableOut)
    const lengths = [input.byteLength, output.byteLength] as const
    let result: number
    try {
      this.#running = onPool((done) => this.#zlib.inflate.async(this.#address, Z_NO_FLUSH, done))
      result = await this.#running
    } finally {
      this.#running = undefined
    }
    // asked of them afterwards, so that V8 keeps them until then
    const isHere = input.byteLength === lengths[0] && output.byteLength === lengths[1]
    if (!isHere || (result !== Z_OK && result !== Z_STREAM_END && result !== Z_BUF_ERROR))
      throw new LinuxError('ERR_LINUX_INVALID_ARG', `cannot decompress: the gzip is damaged (${result})`)
    if (result === Z_STREAM_END) this.#state = 'behind a member'
    return {
      read: lengths[0] - this.#stream.readUInt32LE(field.availableIn),
      written: lengths[1] - this.#stream.readUInt32LE(field.availableOut),
    }
  }

  /** Gives its memory back, once no thread uses it any more. Idempotent. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    // asked of its memory, so that V8 keeps it until then
    const free = (): void => {
      if (this.#stream.length > 0) this.#zlib.end(this.#address)
    }
    if (this.#running === undefined) free()
    else this.#running.then(free, free)
  }

  #check(): void {
    if (this.#isOpen && this.#running === undefined) return
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      `cannot go on decompressing: ${this.#isOpen ? 'the piece before is not through' : 'it has ended'}`,
    )
  }
}

function addressOf(bytes: Uint8Array): bigint {
  return BigInt(native().addressOf(bytes))
}

let loaded: { readonly zlib: Zlib | undefined } | undefined

function zlibOfNode(): Zlib | undefined {
  loaded ??= { zlib: load('Cr_z_') ?? load('') }
  return loaded.zlib
}

/** @param prefix - Of the names: Node.js has a zlib of its own, or that of the system. */
function load(prefix: string): Zlib | undefined {
  const node = native().koffi.load(null)
  const find = (result: string, name: string, ...parameters: string[]): unknown =>
    node.func(`${prefix}${name}`, result, parameters)
  try {
    return {
      begin: find('int', 'inflateInit2_', 'intptr_t', 'int', 'str', 'int'),
      reset: find('int', 'inflateReset', 'intptr_t'),
      inflate: find('int', 'inflate', 'intptr_t', 'int'),
      end: find('int', 'inflateEnd', 'intptr_t'),
    } as Zlib
  } catch {
    return undefined // there are none of that name
  }
}
