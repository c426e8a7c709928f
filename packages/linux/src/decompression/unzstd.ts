import { LinuxError } from '../errors.js'
import { native } from '../native.js'
import { onPool } from '../pool.js'
import { Decompressor, type Decompressed, type Place } from './decompressor.js'

/** The functions of zstd.h. Pointers are numbers, and so are sizes: errors are negative ones. */
interface Zstd {
  readonly create: () => number
  readonly decompress: { async(stream: number, output: number, input: number, done: Done): void }
  readonly free: (stream: number) => number
  readonly errorName: (code: number) => string
}

type Done = (error: Error | null, result: number) => void

/** `ZSTD_inBuffer` and, behind it, `ZSTD_outBuffer`, of zstd.h on 64 bits. */
const field = { source: 0, sourceSize: 8, sourceAt: 16, target: 24, targetSize: 32, targetAt: 40 } as const

/**
 * Decompresses zstd (RFC 8878), by the library of Node.js or that of the system. Frames are put together, those that
 * hold something else are passed over. Frames that want more than 128 MiB of memory are refused.
 */
export class Unzstd extends Decompressor {
  readonly #zstd: Zstd
  readonly #stream: number
  /** Outside of V8's heap, which moves small arrays about. */
  readonly #buffers = Buffer.from(new ArrayBuffer(4096))
  readonly #address = native().addressOf(this.#buffers)
  #isWhole = false

  /** @throws {@link LinuxError} `ERR_LINUX_UNSUPPORTED`: see {@link Unzstd.isThere}. */
  constructor() {
    super()
    const zstd = library()
    const stream = zstd?.create() ?? 0
    if (zstd === undefined || stream === 0)
      throw new LinuxError('ERR_LINUX_UNSUPPORTED', 'cannot decompress zstd: there is no libzstd.so.1')
    this.#zstd = zstd
    this.#stream = stream
  }

  /** False where neither Node.js nor the system has the library. */
  static get isThere(): boolean {
    return library() !== undefined
  }

  get isWhole(): boolean {
    return this.#isWhole
  }

  protected async step(from: Place, to: Place): Promise<Decompressed> {
    const buffers = this.#buffers
    buffers.writeBigUInt64LE(from.address, field.source)
    buffers.writeBigUInt64LE(BigInt(from.length), field.sourceSize)
    buffers.writeBigUInt64LE(0n, field.sourceAt)
    buffers.writeBigUInt64LE(to.address, field.target)
    buffers.writeBigUInt64LE(BigInt(to.length), field.targetSize)
    buffers.writeBigUInt64LE(0n, field.targetAt)
    const [input, output] = [this.#address + field.source, this.#address + field.target]
    const result = await onPool((done) => this.#zstd.decompress.async(this.#stream, output, input, done))
    if (result < 0) {
      const reason = this.#zstd.errorName(result)
      throw new LinuxError('ERR_LINUX_INVALID_ARG', `cannot decompress: the zstd is damaged (${reason})`)
    }
    const read = Number(buffers.readBigUInt64LE(field.sourceAt))
    const written = Number(buffers.readBigUInt64LE(field.targetAt))
    // asked for nothing, behind a frame, it says what the next one begins with
    if (result === 0) this.#isWhole = true
    else if (read > 0 || written > 0) this.#isWhole = false
    return { read, written }
  }

  protected free(): void {
    this.#zstd.free(this.#stream)
  }
}

let loaded: { readonly zstd: Zstd | undefined } | undefined

function library(): Zstd | undefined {
  loaded ??= { zstd: load(null) ?? load('libzstd.so.1') }
  return loaded.zstd
}

/** @param path - Of the library; null for what is in Node.js itself. */
function load(path: string | null): Zstd | undefined {
  try {
    const library = native().koffi.load(path)
    return {
      create: library.func('ZSTD_createDStream', 'intptr_t', []),
      decompress: library.func('ZSTD_decompressStream', 'int64_t', ['intptr_t', 'intptr_t', 'intptr_t']),
      free: library.func('ZSTD_freeDStream', 'int64_t', ['intptr_t']),
      errorName: library.func('ZSTD_getErrorName', 'str', ['int64_t']),
    }
  } catch {
    return undefined // it is not there
  }
}
