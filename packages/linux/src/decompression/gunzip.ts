import { LinuxError } from '../errors.js'
import { native } from '../native.js'
import { onPool } from '../pool.js'
import { Decompressor, type Decompressed, type Place } from './decompressor.js'

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

/** Decompresses gzip. Members are put together; what follows a zero behind one is passed over. */
export class Gunzip extends Decompressor {
  readonly #zlib: Zlib
  /** Outside of V8's heap, which moves small arrays about. */
  readonly #stream = Buffer.from(new ArrayBuffer(4096))
  readonly #address = native().addressOf(this.#stream)
  #state: 'inside' | 'behind a member' | 'behind the last one' = 'inside'

  /** @throws {@link LinuxError} `ERR_LINUX_UNSUPPORTED`: see {@link Gunzip.isThere}. */
  constructor() {
    super()
    const zlib = zlibOfNode()
    // zlib itself checks whether its structure is the one that we know
    if (zlib?.begin(this.#address, windowBits, process.versions.zlib, field.size) !== Z_OK)
      throw new LinuxError('ERR_LINUX_UNSUPPORTED', 'cannot decompress: Node.js does not show its zlib')
    this.#zlib = zlib
  }

  /** False where Node.js does not show its zlib to others. */
  static get isThere(): boolean {
    return zlibOfNode() !== undefined
  }

  get isWhole(): boolean {
    return this.#state !== 'inside'
  }

  protected async step(from: Place, to: Place, input: Uint8Array): Promise<Decompressed> {
    if (from.length > 0 && this.#state === 'behind a member') {
      if (input[0] === 0) this.#state = 'behind the last one'
      else {
        this.#zlib.reset(this.#address)
        this.#state = 'inside'
      }
    }
    if (this.#state !== 'inside') return { read: from.length, written: 0 }
    this.#stream.writeBigUInt64LE(from.address, field.nextIn)
    this.#stream.writeUInt32LE(from.length, field.availableIn)
    this.#stream.writeBigUInt64LE(to.address, field.nextOut)
    this.#stream.writeUInt32LE(to.length, field.availableOut)
    const result = await onPool((done) => this.#zlib.inflate.async(this.#address, Z_NO_FLUSH, done))
    if (result !== Z_OK && result !== Z_STREAM_END && result !== Z_BUF_ERROR)
      throw new LinuxError('ERR_LINUX_INVALID_ARG', `cannot decompress: the gzip is damaged (${result})`)
    if (result === Z_STREAM_END) this.#state = 'behind a member'
    return {
      read: from.length - this.#stream.readUInt32LE(field.availableIn),
      written: to.length - this.#stream.readUInt32LE(field.availableOut),
    }
  }

  protected free(): void {
    // asked of its memory, so that V8 keeps it until then
    if (this.#stream.length > 0) this.#zlib.end(this.#address)
  }
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
