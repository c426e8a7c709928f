import { NLA_F_NESTED } from './constants.js'

const HEADER_LENGTH = 16
const ATTRIBUTE_HEADER_LENGTH = 4

/**
 * Writes netlink messages one after the other into one growing buffer: `nlmsghdr`, the family's own header,
 * attributes padded to four bytes (netlink(7)). Numbers are little endian, the byte order of every machine
 * that the project runs on (x86-64 and arm64), except where a method says `BE`.
 */
export class MessageWriter {
  #buffer = Buffer.alloc(1024)
  #length = 0

  /** What was written so far; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Writes one message; `body` writes what follows its `nlmsghdr`. */
  message(type: number, flags: number, sequence: number, body: () => void): void {
    const start = this.#length
    const at = this.#reserve(HEADER_LENGTH)
    this.#buffer.writeUInt16LE(type, at + 4)
    this.#buffer.writeUInt16LE(flags, at + 6)
    this.#buffer.writeUInt32LE(sequence, at + 8)
    body()
    this.#buffer.writeUInt32LE(this.#length - start, start)
  }

  u8(value: number): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value
  }

  u16(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16LE(value, at)
  }

  u16BE(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32LE(value, at)
  }

  /** Negative numbers in two's complement. */
  u32BE(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value >>> 0, at)
  }

  raw(data: Uint8Array): void {
    const at = this.#reserve(data.length)
    this.#buffer.set(data, at)
  }

  attribute(type: number, data: Uint8Array): void {
    this.#attribute(type, () => this.raw(data))
  }

  attributeU8(type: number, value: number): void {
    this.#attribute(type, () => this.u8(value))
  }

  attributeU32(type: number, value: number): void {
    this.#attribute(type, () => this.u32(value))
  }

  attributeU64(type: number, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    this.attribute(type, bytes)
  }

  attributeU32BE(type: number, value: number): void {
    this.#attribute(type, () => this.u32BE(value))
  }

  /** A NUL-terminated string. */
  attributeString(type: number, value: string): void {
    this.#attribute(type, () => {
      const size = Buffer.byteLength(value)
      const at = this.#reserve(size + 1) // the NUL is already there
      this.#buffer.write(value, at)
    })
  }

  /** An attribute that holds attributes. */
  nested(type: number, body: () => void): void {
    this.#attribute(type | NLA_F_NESTED, body)
  }

  #attribute(type: number, body: () => void): void {
    const start = this.#reserve(ATTRIBUTE_HEADER_LENGTH)
    body()
    this.#buffer.writeUInt16LE(this.#length - start, start)
    this.#buffer.writeUInt16LE(type, start + 2)
    this.#reserve(-this.#length & 3)
  }

  /** Makes room, zeroed, and returns where it begins. */
  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    return at
  }
}
