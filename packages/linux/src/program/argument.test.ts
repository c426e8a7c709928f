import { describe, expect, it } from '@jest/globals'
import type { Block } from '../memory.js'
import { out, roomFor, stringVector, Struct, Words, Writer, type Argument, type Ref } from './argument.js'

/** A block that pretends to lie at a fixed address. */
function block(size = 4096): Block {
  const memory = new ArrayBuffer(size)
  return { address: 0x7f0012340000, size, bytes: Buffer.from(memory), words: new Uint32Array(memory) }
}

/** The 64 bits that an argument becomes. */
function wordOf(value: Exclude<Argument, Ref>): bigint {
  const memory = block()
  new Writer(memory, 64).argument(8, value)
  return memory.bytes.readBigInt64LE(8)
}

describe('Writer.argument()', () => {
  it.each([
    [0, 0n],
    [1, 1n],
    [-1, -1n],
    [-100, -100n],
    [0xffffffff, 0xffffffffn],
    [-(2 ** 32), -(2n ** 32n)],
    [2 ** 33 + 5, 2n ** 33n + 5n],
    [-(2 ** 40) - 1, -(2n ** 40n) - 1n],
    [Number.MAX_SAFE_INTEGER, 2n ** 53n - 1n],
    [Number.MIN_SAFE_INTEGER, -(2n ** 53n) + 1n],
    [-(2n ** 63n), -(2n ** 63n)],
    [2n ** 64n - 1n, -1n],
    [null, 0n],
  ])('writes %p as 64 bits', (value, expected) => {
    expect(wordOf(value)).toBe(expected)
  })

  it.each([0.5, -0.5, NaN, Infinity, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n])('refuses %p', (value) => {
    expect(() => wordOf(value)).toThrow(expect.objectContaining({ code: 'ERR_LINUX_INVALID_ARG' }))
  })

  it('refuses a NUL byte within a string', () => {
    expect(() => wordOf('a\0b')).toThrow('cannot hand "a\\u0000b" to the kernel: it has a NUL byte')
  })

  it('refuses what is no argument', () => {
    expect(() => wordOf(undefined as unknown as null)).toThrow(
      expect.objectContaining({ code: 'ERR_LINUX_INVALID_ARG' }),
    )
    expect(() => wordOf({} as unknown as null)).toThrow(
      expect.objectContaining({ code: 'ERR_LINUX_INVALID_ARG' }),
    )
  })

  it('places strings behind each other, ended by NUL and aligned, over what was there before', () => {
    const memory = block()
    memory.bytes.fill(0xff)
    const writer = new Writer(memory, 64)
    writer.argument(0, 'grüß')
    writer.argument(8, 'x')
    const [first, second] = [0, 8].map((at) => Number(memory.bytes.readBigUInt64LE(at)) - memory.address)
    expect([first, second]).toEqual([64, 72])
    expect(memory.bytes.toString('utf8', 64, 70)).toBe('grüß')
    expect(memory.bytes[70]).toBe(0)
    expect([...memory.bytes.subarray(72, 74)]).toEqual([0x78, 0])
  })

  it('places vectors of words with what they point at', () => {
    const memory = block()
    new Writer(memory, 64).argument(0, stringVector(['sh', '-c']))
    const address = (at: number): number => Number(memory.bytes.readBigUInt64LE(at)) - memory.address
    expect(address(0)).toBe(64)
    expect(memory.bytes.readBigUInt64LE(64 + 16)).toBe(0n)
    expect(memory.bytes.toString('utf8', address(64), address(64) + 3)).toBe('sh\0')
    expect(memory.bytes.toString('utf8', address(72), address(72) + 3)).toBe('-c\0')
  })

  it('copies what the kernel wrote back', () => {
    const memory = block()
    const bytes = Buffer.from('before')
    const writer = new Writer(memory, 64)
    writer.argument(0, out(bytes))
    expect(memory.bytes.toString('utf8', 64, 70)).toBe('before')
    memory.bytes.write('after!', 64)
    writer.copyBack()
    expect(bytes.toString()).toBe('after!')
  })
})

describe('roomFor()', () => {
  it.each<[string, Exclude<Argument, Ref>]>([
    ['a long string', 'x'.repeat(1001)],
    ['three bytes for each character', '€'.repeat(333)],
    ['lone surrogates', '\ud800'.repeat(77)],
    ['bytes', new Uint8Array(13)],
    ['a structure', new Struct(new Uint8Array(9), '')],
    ['an empty buffer', out(new Uint8Array(0))],
    ['a vector', stringVector(['', 'a', '€€'])],
    ['words', new Words([1, 2n, new Uint8Array(3), null])],
  ])('is enough for %s', (_, value) => {
    const room = 64 + roomFor([value, value])
    const memory = block(Math.ceil(room / 8) * 8)
    const guarded = { ...memory, bytes: memory.bytes.subarray(0, room) } // writing behind it throws, or is cut
    const writer = new Writer(guarded, 64)
    writer.argument(0, value)
    writer.argument(8, value)
    writer.argument(16, '') // begins where the others end
    expect(Number(memory.bytes.readBigUInt64LE(16)) - memory.address).toBeLessThanOrEqual(room)
  })
})
