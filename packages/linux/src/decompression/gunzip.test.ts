import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { Gunzip } from './gunzip.js'

const text = Buffer.from('some words of a text, and '.repeat(40_000))
const random = randomBytes(300_003)

/** Decompresses with pieces of so many bytes, into memory of so many. */
async function gunzipped(packed: Uint8Array, pieceSize: number, roomSize: number): Promise<Buffer> {
  using gunzip = new Gunzip()
  const chunks: Buffer[] = []
  const room = Buffer.alloc(roomSize)
  for (let at = 0; at < packed.length; at += pieceSize) {
    const piece = packed.subarray(at, at + pieceSize)
    for (let used = 0, isFull = false; used < piece.length || isFull;) {
      const { read, written } = await gunzip.run(piece.subarray(used), room)
      used += read
      isFull = written === room.length
      chunks.push(Buffer.from(room.subarray(0, written)))
    }
  }
  expect(gunzip.isWhole).toBe(true)
  return Buffer.concat(chunks)
}

describe('Gunzip', () => {
  it('is what was compressed, whatever pieces it comes in and goes to', async () => {
    for (const [bytes, level] of [
      [text, 6],
      [random, 6],
      [random, 0],
      [Buffer.alloc(0), 6],
    ] as const) {
      const packed = gzipSync(bytes, { level })
      for (const [pieceSize, roomSize] of [
        [packed.length, bytes.length + 10],
        [packed.length, 4096],
        [1000, 100_000],
        [65_537, 65_536],
      ] as const)
        expect((await gunzipped(packed, pieceSize, roomSize)).equals(bytes)).toBe(true)
    }
  })

  it('puts members together, and passes over zeros behind them', async () => {
    const packed = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two'), Buffer.alloc(1000)])
    for (const pieceSize of [1, 7, packed.length])
      expect((await gunzipped(packed, pieceSize, 100)).toString()).toBe('one two')
  })

  it('refuses what is damaged, and knows what is cut short', async () => {
    const packed = gzipSync(text)
    const damaged = Buffer.from(packed)
    damaged[packed.length - 6]! ^= 0xff
    const refused = { code: 'ERR_LINUX_INVALID_ARG' }
    await expect(gunzipped(damaged, 5000, 100_000)).rejects.toMatchObject(refused)
    await expect(gunzipped(Buffer.concat([packed, packed.subarray(1)]), 5000, 1e6)).rejects.toMatchObject(
      refused,
    )
    await expect(gunzipped(Buffer.from('no gzip at all'), 100, 100)).rejects.toMatchObject(refused)
    using gunzip = new Gunzip()
    await gunzip.run(packed.subarray(0, packed.length - 1), Buffer.alloc(text.length + 1))
    expect(gunzip.isWhole).toBe(false)
  })

  it('takes no piece before the one before is through, and none once it was given up', async () => {
    const packed = gzipSync(text)
    const gunzip = new Gunzip()
    const first = gunzip.run(packed, Buffer.alloc(text.length))
    await expect(gunzip.run(packed, Buffer.alloc(10))).rejects.toThrow(/the piece before is not through/)
    gunzip[Symbol.dispose]()
    gunzip[Symbol.dispose]()
    expect((await first).written).toBe(text.length)
    await expect(gunzip.run(packed, Buffer.alloc(10))).rejects.toThrow(/it has ended/)
  })
})
