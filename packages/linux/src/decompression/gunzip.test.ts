import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { decompressed, piecesAndRooms } from '../../test/support/decompressed.js'
import { Gunzip } from './gunzip.js'

const text = Buffer.from('some words of a text, and '.repeat(40_000))
const random = randomBytes(300_003)

describe('Gunzip', () => {
  it('is what was compressed, whatever pieces it comes in and goes to', async () => {
    for (const [bytes, level] of [
      [text, 6],
      [random, 6],
      [random, 0],
      [Buffer.alloc(0), 6],
    ] as const) {
      const packed = gzipSync(bytes, { level })
      for (const [pieceSize, roomSize] of piecesAndRooms(packed, bytes))
        expect((await decompressed(new Gunzip(), packed, pieceSize, roomSize)).equals(bytes)).toBe(true)
    }
  })

  it('puts members together, and passes over zeros behind them', async () => {
    const packed = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two'), Buffer.alloc(1000)])
    for (const pieceSize of [1, 7, packed.length])
      expect((await decompressed(new Gunzip(), packed, pieceSize, 100)).toString()).toBe('one two')
  })

  it('refuses what is damaged, and knows what is cut short', async () => {
    const packed = gzipSync(text)
    const damaged = Buffer.from(packed)
    damaged[packed.length - 6]! ^= 0xff
    const refused = { code: 'ERR_LINUX_INVALID_ARG' }
    await expect(decompressed(new Gunzip(), damaged, 5000, 100_000)).rejects.toMatchObject(refused)
    await expect(
      decompressed(new Gunzip(), Buffer.concat([packed, packed.subarray(1)]), 5000, 1e6),
    ).rejects.toMatchObject(refused)
    await expect(decompressed(new Gunzip(), Buffer.from('no gzip at all'), 100, 100)).rejects.toMatchObject(
      refused,
    )
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
