import { randomBytes } from 'node:crypto'
import * as zlib from 'node:zlib'
import { zstdFrame } from '@ctr/testing'
import { describe, expect, it } from '@jest/globals'
import { decompressed, piecesAndRooms } from '../../test/support/decompressed.js'
import { Unzstd } from './unzstd.js'

const text = Buffer.from('some words of a text, and '.repeat(40_000))

/** The text, compressed by the real library, with a checksum. */
const compressed = Buffer.from(
  'KLUv/aSA3g8AFAEA0HNvbWUgd29yZHMgb2YgYSB0ZXh0LCBhbmQgAQCO/3c+x0wAAAhvAQD8/zkQAkwAAAhmAQD8/zkQAkwAAAh4AQD8/zkQAkwAAAhkAQD8/zkQAkwAAAggAQD8/zkQAkwAAAggAQD8/zkQAk0AAAh0AQB83jkQAtkGRSY=',
  'base64',
)

describe('Unzstd', () => {
  it('is what was compressed, whatever pieces it comes in and goes to', async () => {
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }
    const random = randomBytes(300_003)
    for (const [bytes, packed] of [
      [text, compressed],
      [random, zstdFrame(random)],
      [random, zstdCompressSync?.(random) ?? zstdFrame(random)],
      [Buffer.alloc(400_000), zstdFrame(Buffer.alloc(400_000))],
      [Buffer.alloc(0), zstdFrame(Buffer.alloc(0))],
    ] as const) {
      for (const [pieceSize, roomSize] of piecesAndRooms(packed, bytes))
        expect((await decompressed(new Unzstd(), packed, pieceSize, roomSize)).equals(bytes)).toBe(true)
    }
  })

  it('puts frames together, and passes over those that hold something else', async () => {
    const skipped = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const frames = [skipped, zstdFrame(Buffer.from('one ')), zstdFrame(Buffer.alloc(0)), skipped]
    const packed = Buffer.concat([...frames, zstdFrame(Buffer.from('two')), skipped])
    for (const pieceSize of [1, 7, packed.length])
      expect((await decompressed(new Unzstd(), packed, pieceSize)).toString()).toBe('one two')
  })

  it('refuses what is damaged, knows what is cut short, and gives no frame more than 128 MiB', async () => {
    const damaged = Buffer.from(compressed)
    damaged[damaged.length - 2]! ^= 0xff
    for (const [packed, reason] of [
      [damaged, /checksum/],
      [Buffer.concat([compressed, Buffer.from('rubbish')]), /Unknown frame/],
      [Buffer.from('no zstd at all'), /Unknown frame/],
      [zstdFrame(text, 31), /too much memory/],
    ] as const) {
      const reading = decompressed(new Unzstd(), packed)
      await expect(reading).rejects.toMatchObject({ code: 'ERR_LINUX_INVALID_ARG' })
      await expect(reading).rejects.toThrow(reason)
    }
    using unzstd = new Unzstd()
    await unzstd.run(compressed.subarray(0, -1), Buffer.alloc(text.length + 1))
    expect(unzstd.isWhole).toBe(false)
  })
})
