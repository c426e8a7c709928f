import { CgroupError } from '../errors.js'
import { alignmentOf, parseSignature, type Type } from './signature.js'
import type { Value } from './value.js'

/** Deepest nesting of values: 32 arrays and 32 structs, and variants, which the specification bounds together. */
const DEEPEST = 64

/**
 * Reads values of a message. What is not exactly as the specification has it is an error: bytes that are left over,
 * padding that is not zero, text that is not UTF-8. No more memory is taken than the message has.
 *
 * @param bytes - What they are in; their alignment is counted from its beginning.
 * @param signature - Their types.
 * @param littleEndian - The order of the bytes of a number.
 * @throws {@link CgroupError} `ERR_CGROUP_PARSE`.
 */
export function unmarshal(bytes: Buffer, signature: string, littleEndian = true): Value[] {
  const reader = new Reader(bytes, littleEndian)
  const values = parseSignature(signature).map((type) => reader.read(type))
  reader.end()
  return values
}

/** Reads one value after the other. */
export class Reader {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #littleEndian: boolean
  #at = 0
  #depth = 0

  constructor(bytes: Buffer, littleEndian: boolean) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#littleEndian = littleEndian
  }

  /** Throws unless all has been read. */
  end(): void {
    if (this.#at !== this.#bytes.length)
      throw damaged(`${this.#bytes.length - this.#at} bytes are left over behind the last value`)
  }

  read(type: Type): Value {
    this.align(alignmentOf(type))
    switch (type.code) {
      case 'y':
        return this.#view.getUint8(this.#take(1))
      case 'b':
        return this.#boolean()
      case 'n':
        return this.#view.getInt16(this.#take(2), this.#littleEndian)
      case 'q':
        return this.#view.getUint16(this.#take(2), this.#littleEndian)
      case 'i':
        return this.#view.getInt32(this.#take(4), this.#littleEndian)
      case 'u':
        return this.#view.getUint32(this.#take(4), this.#littleEndian)
      case 'x':
        return this.#view.getBigInt64(this.#take(8), this.#littleEndian)
      case 't':
        return this.#view.getBigUint64(this.#take(8), this.#littleEndian)
      case 'd':
        return this.#view.getFloat64(this.#take(8), this.#littleEndian)
      case 's':
      case 'o':
        return this.#text(this.#view.getUint32(this.#take(4), this.#littleEndian))
      case 'g':
        return this.#text(this.#view.getUint8(this.#take(1)))
      default:
        return this.#nested(type)
    }
  }

  /** Goes on to a multiple of `to`. */
  align(to: number): void {
    const gap = -this.#at & (to - 1)
    const start = this.#take(gap)
    if (this.#bytes.subarray(start, start + gap).some((byte) => byte !== 0))
      throw damaged('padding is not zero')
  }

  #nested(type: Type): Value {
    if (this.#depth >= DEEPEST) throw damaged(`values are nested deeper than ${DEEPEST}`)
    this.#depth++
    try {
      if (type.code === 'a') return this.#array(type.of)
      if (type.code === '(' || type.code === '{') return type.of.map((member) => this.read(member))
      return this.#variant()
    } finally {
      this.#depth--
    }
  }

  #array(of: Type): Value {
    const length = this.#view.getUint32(this.#take(4), this.#littleEndian)
    this.align(alignmentOf(of))
    const start = this.#take(0)
    const end = start + length
    if (end > this.#bytes.length) throw damaged(`an array ends ${end - this.#bytes.length} bytes too late`)
    if (of.code === 'y') return new Uint8Array(this.#bytes.subarray(start, this.#skip(length)))
    const values: Value[] = []
    // each value has a byte at least: the loop is bounded by the message
    while (this.#at < end) values.push(this.read(of))
    if (this.#at !== end) throw damaged('the last value of an array is longer than the array')
    return values
  }

  #variant(): Value {
    const signature = this.#text(this.#view.getUint8(this.#take(1)))
    const types = parseSignature(signature)
    if (types.length !== 1) throw damaged(`a variant has ${types.length} values`)
    return { signature, value: this.read(types[0]!) }
  }

  #boolean(): boolean {
    const value = this.#view.getUint32(this.#take(4), this.#littleEndian)
    if (value > 1) throw damaged(`a boolean is ${value}`)
    return value === 1
  }

  #text(length: number): string {
    const start = this.#take(length + 1)
    const end = start + length
    const bytes = this.#bytes.subarray(start, end)
    if (this.#bytes[end] !== 0 || bytes.includes(0)) throw damaged('a text does not end where it should')
    try {
      return utf8.decode(bytes)
    } catch (cause) {
      throw damaged('a text is not UTF-8', cause)
    }
  }

  #skip(size: number): number {
    return this.#take(size) + size
  }

  /** Moves on, within the message; where it was. */
  #take(size: number): number {
    const at = this.#at
    if (at + size > this.#bytes.length)
      throw damaged(`it ends ${at + size - this.#bytes.length} bytes too early`)
    this.#at = at + size
    return at
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An error of a message that is not as it should be. */
export function damaged(why: string, cause?: unknown): CgroupError {
  return new CgroupError('ERR_CGROUP_PARSE', `cannot read a D-Bus message: ${why}`, { cause })
}
