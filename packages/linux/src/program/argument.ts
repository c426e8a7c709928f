import { LinuxError } from '../errors.js'
import type { Block } from '../memory.js'
import { native } from '../native.js'

/** The result of an earlier entry of the same program, as an argument of a later one. */
export class Ref {
  /** Position of the entry in its program. */
  readonly entry: number

  constructor(entry: number) {
    this.entry = entry
  }
}

/** Bytes handed to the kernel by address, with the text that `explain()` prints for them. */
export class Struct {
  readonly bytes: Uint8Array
  readonly #text: string | (() => string)

  /** @param text - Or what makes it: few are ever printed. */
  constructor(bytes: Uint8Array, text: string | (() => string)) {
    this.bytes = bytes
    this.#text = text
  }

  get text(): string {
    return typeof this.#text === 'string' ? this.#text : this.#text()
  }
}

/** A 64-bit word of {@link Words}: a number, or the address of a string, of bytes or of another vector. */
export type Word = number | bigint | string | Uint8Array | Struct | Words | Out | null

/** A vector of 64-bit words, handed over by address: `argv`, `struct iovec`, `struct msghdr`, `struct sock_fprog`. */
export class Words {
  readonly items: readonly Word[]
  readonly text: string | undefined

  constructor(items: readonly Word[], text?: string) {
    this.items = items
    this.text = text
  }
}

/** A buffer that the kernel fills: copied in before the call, and back out after it. */
export class Out {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/**
 * Many bytes that the kernel reads where they are: other bytes are copied into the memory of the program first. They
 * must stay as they are until the program is through, and it must be one that this process executes.
 */
export class InPlace {
  readonly bytes: Uint8Array

  /** @param bytes - At least {@link InPlace.least}: V8 moves small arrays about. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Fewer bytes are copied sooner than their address is found out. */
  static readonly least = 4096
}

/** What a system call can be given. Strings are handed over NUL-terminated; `null` is the null pointer. */
export type Argument = number | bigint | string | null | Uint8Array | Struct | Words | Out | InPlace | Ref

/** A buffer for the kernel to fill. Its content is right once the call or the program has returned. */
export function out(bytes: Uint8Array): Out {
  return new Out(bytes)
}

/** An `argv` or `envp`: addresses of strings, ended by a null pointer. */
export function stringVector(strings: readonly string[], text?: string): Words {
  return new Words([...strings, null], text)
}

const HIGH = 2 ** 32
const LOWEST = -(2n ** 63n)
const HIGHEST = 2n ** 64n - 1n

/** Lays arguments out in a block: words in place, everything else behind each other in its free part. */
export class Writer {
  readonly #block: Block
  readonly #outputs: { readonly offset: number; readonly bytes: Uint8Array }[] = []
  readonly #vectors = new Map<Words, number>()
  readonly #strings = new Map<string, number>()
  #free: number

  /**
   * @param block - Where to write.
   * @param free - Offset from which on the block is free.
   */
  constructor(block: Block, free: number) {
    this.#block = block
    this.#free = free
  }

  /**
   * Writes a 64-bit integer at `offset`, negative ones in two's complement.
   *
   * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: not an integer, or not one of 64 bits.
   */
  word(offset: number, value: number | bigint): void {
    const at = offset >> 2
    const { words } = this.#block
    if (typeof value === 'number' && value >>> 0 === value) {
      words[at] = value // as nearly all are
      words[at + 1] = 0
    } else if (typeof value === 'bigint') {
      if (value < LOWEST || value > HIGHEST) throw notForTheKernel(value, 'it does not fit in 64 bits')
      words[at] = Number(value & 0xffffffffn)
      words[at + 1] = Number((value >> 32n) & 0xffffffffn)
    } else {
      if (!Number.isSafeInteger(value)) {
        throw notForTheKernel(value, 'numbers must be safe integers, larger ones bigints')
      }
      words[at] = value >>> 0
      words[at + 1] = Math.floor(value / HIGH) >>> 0
    }
  }

  /** Writes the value of an argument that is not a reference at `offset`. */
  argument(offset: number, value: Exclude<Argument, Ref>): void {
    if (value === null) this.word(offset, 0)
    else if (typeof value === 'number' || typeof value === 'bigint') this.word(offset, value)
    else this.word(offset, this.#place(value))
  }

  /** Offset behind the last argument. */
  get end(): number {
    return this.#free
  }

  /** Copies what the kernel wrote back into the buffers of {@link Out} arguments. */
  copyBack(): void {
    for (const { offset, bytes } of this.#outputs) {
      bytes.set(this.#block.bytes.subarray(offset, offset + bytes.length))
    }
  }

  #place(value: string | Uint8Array | Struct | Words | Out | InPlace): number {
    if (typeof value === 'string') return this.#string(value)
    if (value instanceof InPlace) return native().addressOf(value.bytes)
    if (value instanceof Words) return this.#vector(value)
    const bytes = value instanceof Struct || value instanceof Out ? value.bytes : value
    if (!(bytes instanceof Uint8Array))
      throw notForTheKernel(bytes, 'it is neither a number, a string nor bytes')
    const offset = this.#reserve(bytes.length)
    this.#block.bytes.set(bytes, offset)
    if (value instanceof Out) this.#outputs.push({ offset, bytes })
    return this.#block.address + offset
  }

  /** Laid out once, as vectors are: a program has the empty path a hundred times. */
  #string(value: string): number {
    const known = this.#strings.get(value)
    if (known !== undefined) return known
    if (value.includes('\0')) throw notForTheKernel(JSON.stringify(value), 'it has a NUL byte')
    const offset = this.#free
    const written = this.#block.bytes.write(value, offset, 'utf8')
    this.#block.bytes[offset + written] = 0
    this.#free = aligned(offset + written + 1)
    this.#strings.set(value, this.#block.address + offset)
    return this.#block.address + offset
  }

  /** Laid out once, however many entries have it: an `execve` for each folder of `PATH` has the same vectors. */
  #vector(vector: Words): number {
    const known = this.#vectors.get(vector)
    if (known !== undefined) return known
    const offset = this.#reserve(vector.items.length * 8)
    vector.items.forEach((item, index) => {
      this.argument(offset + index * 8, item)
    })
    this.#vectors.set(vector, this.#block.address + offset)
    return this.#block.address + offset
  }

  #reserve(size: number): number {
    const offset = this.#free
    this.#free = aligned(offset + size)
    return offset
  }
}

/** The most room that arguments can take in a block. */
export function roomFor(args: readonly Argument[]): number {
  let room = 0
  for (const value of args) room += roomForOne(value)
  return room
}

function roomForOne(value: Argument): number {
  if (typeof value === 'string') return value.length * 3 + 16
  if (value instanceof Words) return value.items.length * 8 + 16 + roomFor(value.items)
  if (value instanceof Struct || value instanceof Out) return value.bytes.length + 16
  if (value instanceof Uint8Array) return value.length + 16
  return 0
}

function notForTheKernel(value: unknown, why: string): LinuxError {
  return new LinuxError('ERR_LINUX_INVALID_ARG', `cannot hand ${String(value)} to the kernel: ${why}`)
}

function aligned(offset: number): number {
  return (offset + 7) & ~7
}
