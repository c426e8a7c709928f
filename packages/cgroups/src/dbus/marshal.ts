import { CgroupError } from '../errors.js'
import { alignmentOf, parseSignature, type Type } from './signature.js'
import { isVariant, type Value } from './value.js'

/** The whole of a message has at most this many bytes, and an array half of it. */
const MOST = 2 ** 26

/**
 * Writes values as D-Bus has them in messages, little-endian.
 *
 * @param signature - Their types.
 * @param values - One for each complete type.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: a value that is not of its type.
 * @see {@link https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-marshaling}
 */
export function marshal(signature: string, values: readonly Value[]): Buffer {
  const writer = new Writer()
  const types = parseSignature(signature)
  if (types.length !== values.length)
    throw wrong(`${values.length} values`, `the ${types.length} of ${signature}`)
  types.forEach((type, index) => {
    writer.write(type, values[index]!)
  })
  return writer.bytes()
}

class Writer {
  #buffer = Buffer.alloc(512)
  #at = 0

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  write(type: Type, value: Value): void {
    this.#align(alignmentOf(type))
    switch (type.code) {
      case 'a':
        this.#array(type.of, value)
        return
      case '(':
      case '{':
        this.#members(type.of, value)
        return
      case 'v':
        if (!isVariant(value)) throw wrong(value, 'a value with its signature')
        this.#variant(value.signature, value.value)
        return
      case 's':
      case 'o':
      case 'g':
        this.#text(type.code, value)
        return
      default:
        this.#number(type.code, value)
    }
  }

  #number(code: string, value: Value): void {
    if (code === 'b') {
      if (typeof value !== 'boolean') throw wrong(value, 'a boolean')
      this.#room(4).writeUInt32LE(value ? 1 : 0, this.#take(4))
    } else if (code === 'd') {
      if (typeof value !== 'number') throw wrong(value, 'a number')
      this.#room(8).writeDoubleLE(value, this.#take(8))
    } else if (code === 'x' || code === 't') {
      const [low, high] = code === 'x' ? [-(2n ** 63n), 2n ** 63n] : [0n, 2n ** 64n]
      if (typeof value !== 'bigint' || value < low || value >= high) throw wrong(value, ranges[code]!)
      this.#room(8).writeBigUInt64LE(BigInt.asUintN(64, value), this.#take(8))
    } else {
      const size = code === 'y' ? 1 : code === 'n' || code === 'q' ? 2 : 4
      const low = code === 'n' || code === 'i' ? -(2 ** (size * 8 - 1)) : 0
      const whole = typeof value === 'number' && Number.isInteger(value)
      if (!whole || value < low || value >= low + 2 ** (size * 8)) throw wrong(value, ranges[code]!)
      const buffer = this.#room(size)
      if (low < 0) buffer.writeIntLE(value, this.#take(size), size)
      else buffer.writeUIntLE(value, this.#take(size), size)
    }
  }

  #text(code: 's' | 'o' | 'g', value: Value): void {
    if (typeof value !== 'string' || value.includes('\0')) throw wrong(value, 'a text without NUL')
    const bytes = Buffer.from(value)
    if (code === 'g') {
      parseSignature(value)
      this.#room(1).writeUInt8(bytes.length, this.#take(1))
    } else {
      if (code === 'o' && !/^\/$|^(\/[A-Za-z0-9_]+)+$/.test(value)) throw wrong(value, 'an object path')
      this.#room(4).writeUInt32LE(bytes.length, this.#take(4))
    }
    bytes.copy(this.#room(bytes.length + 1), this.#take(bytes.length + 1))
  }

  #array(of: Type, value: Value): void {
    const lengthAt = this.#at
    this.#room(4)
    this.#take(4)
    this.#align(alignmentOf(of))
    const start = this.#at
    if (value instanceof Uint8Array) {
      if (of.code !== 'y') throw wrong(value, 'a list')
      this.#room(value.length).set(value, this.#take(value.length))
    } else {
      if (!isList(value) || of.code === 'y') throw wrong(value, of.code === 'y' ? 'bytes' : 'a list')
      for (const one of value) this.write(of, one)
    }
    this.#buffer.writeUInt32LE(this.#at - start, lengthAt)
  }

  #members(types: readonly Type[], value: Value): void {
    if (!isList(value) || value.length !== types.length) throw wrong(value, `a list of ${types.length}`)
    types.forEach((type, index) => {
      this.write(type, value[index]!)
    })
  }

  #variant(signature: string, value: Value): void {
    const types = parseSignature(signature)
    if (types.length !== 1) throw wrong(signature, 'the signature of one type')
    this.#text('g', signature)
    this.write(types[0]!, value)
  }

  #align(to: number): void {
    const gap = -this.#at & (to - 1)
    this.#room(gap)
    this.#take(gap)
  }

  /** The buffer, with room for more; new bytes are zero. */
  #room(size: number): Buffer {
    const needed = this.#at + size
    if (needed > MOST) throw wrong('a message', `at most ${MOST} bytes`)
    if (needed > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.#at)
      this.#buffer = larger
    }
    return this.#buffer
  }

  /** Moves on; where it was. */
  #take(size: number): number {
    const at = this.#at
    this.#at += size
    return at
  }
}

const ranges: Readonly<Record<string, string>> = {
  y: 'a whole number of 8 bits',
  n: 'a whole number of 16 bits with sign',
  q: 'a whole number of 16 bits',
  i: 'a whole number of 32 bits with sign',
  u: 'a whole number of 32 bits',
  x: 'a bigint of 64 bits with sign',
  t: 'a bigint of 64 bits',
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function wrong(value: Value, should: string): CgroupError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : describe(value)
  return new CgroupError('ERR_CGROUP_INVALID_ARG', `cannot send ${shown} over D-Bus: it must be ${should}`)
}

function describe(value: Value): string {
  return typeof value === 'object' ? 'that object' : String(value)
}
