import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { zstdFrame } from '@ctr/testing'
import { describe, expect, it } from '@jest/globals'
import { compressionOf, decompress } from './decompress.js'

async function collect(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<string> {
  let text = ''
  await decompress(
    source,
    (chunk) => {
      text += Buffer.from(chunk).toString()
    },
    signal,
  )
  return text
}

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

describe('decompress()', () => {
  const text = 'a layer '.repeat(10_000)

  it.each([1, 3, 1000])('reads plain and gzip bytes in pieces of %i', async (size) => {
    const short = text.slice(0, 5000)
    expect(await collect(piecesOf(Buffer.from(short), size))).toBe(short)
    expect(await collect(piecesOf(zlib.gzipSync(short), size))).toBe(short)
  })

  it('reads gzip members one after the other, and nothing at all', async () => {
    const two = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')])
    expect(await collect(Readable.from([two]))).toBe('one two')
    expect(await collect(Readable.from([]))).toBe('')
    expect(await collect(Readable.from([Buffer.from('ab')]))).toBe('ab')
  })

  it('refuses gzip that is cut or damaged', async () => {
    const packed = zlib.gzipSync(text)
    const damaged = Buffer.from(packed)
    damaged[packed.length - 6]! ^= 0xff
    for (const bytes of [packed.subarray(0, packed.length - 10), damaged]) {
      await expect(collect(Readable.from([bytes]))).rejects.toMatchObject({ code: 'ERR_OVERLAY_COMPRESSION' })
    }
  })

  it.each([1, 1000])('reads zstd in pieces of %i', async (size) => {
    const short = Buffer.from(text.slice(0, 5000))
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }
    for (const packed of [zstdFrame(short), zstdCompressSync?.(short) ?? zstdFrame(short)])
      expect(await collect(piecesOf(packed, size))).toBe(short.toString())
  })

  it('refuses zstd that is cut, and such that wants too much memory', async () => {
    const packed = zstdFrame(Buffer.from(text))
    for (const bytes of [packed.subarray(0, -10), zstdFrame(Buffer.from(text), 31)])
      await expect(collect(Readable.from([bytes]))).rejects.toMatchObject({ code: 'ERR_OVERLAY_COMPRESSION' })
  })

  it('passes over frames of zstd that hold nothing of the layer, wherever they stand', async () => {
    const short = text.slice(0, 1000)
    const packed = zstdFrame(Buffer.from(short))
    const skipped = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const bytes = Buffer.concat([skipped, packed, skipped, packed, skipped])
    for (const size of [1, 100, bytes.length])
      expect(await collect(Readable.from(piecesOf(bytes, size)))).toBe(short + short)
  })

  it('ends the source, and passes on what the consumer throws', async () => {
    for (const bytes of [Buffer.from(text), zlib.gzipSync(text), zstdFrame(Buffer.from(text))]) {
      const source = Readable.from(piecesOf(bytes, 100))
      const full = (): never => {
        throw new RangeError('full')
      }
      const failing = decompress(source, full, undefined)
      await expect(failing).rejects.toThrow(RangeError)
      expect(source.destroyed).toBe(true)
    }
  })

  it('passes on what the source throws', async () => {
    const source = Readable.from(
      (async function* () {
        yield await Promise.resolve(Buffer.alloc(10))
        throw new RangeError('connection lost')
      })(),
    )
    await expect(collect(source)).rejects.toThrow(RangeError)
  })

  it('stops at once when aborted, also while the source stalls', async () => {
    const stalled = (start: Buffer): Readable => {
      const source = new Readable({ read: () => undefined })
      source.push(start)
      return source
    }
    for (const start of [Buffer.from('ab'), Buffer.alloc(5000)]) {
      const controller = new AbortController()
      const source = stalled(start)
      const reading = collect(source, controller.signal)
      setTimeout(() => controller.abort(new Error('enough')), 20)
      await expect(reading).rejects.toMatchObject({
        name: 'AbortError',
        cause: expect.objectContaining({ message: 'enough' }),
      })
      expect(source.destroyed).toBe(true)
    }
    const source = stalled(Buffer.alloc(1))
    await expect(collect(source, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
    source.destroy()
  })
})

describe('compressionOf()', () => {
  it.each([
    [[0x1f, 0x8b, 8, 0], 'gzip'],
    [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
    [[0x50, 0x2a, 0x4d, 0x18], 'zstd'],
    [[0x5f, 0x2a, 0x4d, 0x18], 'zstd'],
    [[0x60, 0x2a, 0x4d, 0x18], 'none'],
    [[0x1f], 'none'],
    [[], 'none'],
    [[0x65, 0x74, 0x63, 0x2f], 'none'],
  ])('knows %j', (bytes, compression) => {
    expect(compressionOf(Uint8Array.from(bytes))).toBe(compression)
  })
})
