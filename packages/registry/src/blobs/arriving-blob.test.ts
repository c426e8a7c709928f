import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { digestOf } from '../manifest/digest.js'
import { BlobStore } from './blob-store.js'

const content = randomBytes(3 * 1024 ** 2 + 17)
const expected = { digest: digestOf(content), size: content.length }

describe('BlobIngest', () => {
  it('can be read while it comes, to an end that shows only once all was checked', async () => {
    using folder = temporaryFolder()
    const ingest = await (await BlobStore.open(folder.path)).ingest(expected)
    const { arriving } = ingest
    let length = 0
    let ended = false
    const stream = arriving.open()
    const read = (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        length += chunk.length
      }
      ended = true
      return Buffer.concat(chunks)
    })()
    for (let at = 0; at < content.length; at += 100_000)
      await ingest.append(content.subarray(at, at + 100_000))
    while (length < content.length) await new Promise(setImmediate)
    expect(ended).toBe(false)
    await ingest.verify()
    expect(content.equals(await read)).toBe(true)
    expect(await arriving.verified).toBe(true)
    await ingest.commit()
    expect(content.equals(await buffer(arriving.open()))).toBe(true) // also from where it is afterwards
  })

  it('hands what comes to those who read, and reads the file for who begins later or is slow', async () => {
    for (const [lateAt, slowMs] of [
      [0, 0],
      [0, 15],
      [1_500_000, 0],
      [1_500_000, 15],
    ] as const) {
      using folder = temporaryFolder()
      const ingest = await (await BlobStore.open(folder.path)).ingest(expected)
      const { arriving } = ingest
      const read = async (): Promise<Buffer> => {
        const chunks: Buffer[] = []
        for await (const piece of arriving.pieces()) {
          if (slowMs > 0) await sleep(slowMs)
          chunks.push(Buffer.from(piece))
        }
        return Buffer.concat(chunks)
      }
      const reading: Promise<Buffer>[] = []
      const memory = Buffer.alloc(100_000)
      for (let at = 0; at < content.length; at += memory.length) {
        if (at >= lateAt && reading.length === 0) reading.push(read(), read(), buffer(arriving.open()))
        const piece = memory.subarray(0, content.copy(memory, 0, at, at + memory.length))
        await ingest.appendPiece(piece)
      }
      await ingest.verify()
      for (const whole of reading) expect(content.equals(await whole)).toBe(true)
      await ingest.commit()
    }
  })

  it('does not wait for who leaves, nor long for who does not come on', async () => {
    using folder = temporaryFolder()
    const ingest = await (await BlobStore.open(folder.path)).ingest(expected)
    const half = Math.ceil(content.length / 2)
    const leaving = (async () => {
      for await (const piece of ingest.arriving.pieces()) return piece.length
      return 0
    })()
    const stuck = ingest.arriving.pieces()[Symbol.asyncIterator]()
    const first = stuck.next()
    await ingest.append(content.subarray(0, half)) // read from the file
    expect((await first).done).toBe(false)
    expect(await leaving).toBeGreaterThan(0)
    await ingest.appendPiece(content.subarray(half))
    await ingest.verify()
    await ingest.commit()
    await stuck.return?.()
  })

  it('fails those who read what turns out to be wrong, was stopped, or begins anew', async () => {
    const wrong = Buffer.from(content)
    wrong[5]! ^= 1
    for (const end of ['discard', 'suspend', 'reset'] as const) {
      using folder = temporaryFolder()
      const ingest = await (await BlobStore.open(folder.path)).ingest(expected)
      const { arriving } = ingest
      const read = buffer(arriving.open())
      await ingest.append(end === 'discard' ? wrong : content.subarray(0, 1000))
      if (end === 'discard') {
        await expect(ingest.verify()).rejects.toMatchObject({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })
      }
      await ingest[end]()
      await expect(read).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_BLOB' })
      await expect(buffer(arriving.open())).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_BLOB' })
      expect(await arriving.verified).toBe(false)
      if (end !== 'reset') continue
      const again = buffer(ingest.arriving.open())
      await ingest.append(content)
      await ingest.verify()
      await ingest.commit()
      expect(content.equals(await again)).toBe(true)
    }
  })

  it('keeps what was appended before it is suspended, to be gone on with', async () => {
    using folder = temporaryFolder()
    const store = await BlobStore.open(folder.path)
    const ingest = await store.ingest(expected)
    for (let at = 0; at < 2_000_000; at += 1000) await ingest.append(content.subarray(at, at + 1000))
    await ingest.suspend()
    const next = await store.ingest(expected)
    expect(next.offset).toBe(2_000_000)
    const read = buffer(next.arriving.open())
    await next.append(content.subarray(2_000_000))
    await next.verify()
    await next.commit()
    expect(content.equals(await read)).toBe(true)
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })
})
