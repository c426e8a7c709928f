import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { sendFile } from './send-file.js'

const content = randomBytes(3_000_000)
const whole = { start: 0, end: content.length - 1 }

describe('sendFile()', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let file: FileHandle
  beforeAll(async () => {
    folder = temporaryFolder()
    writeFileSync(join(folder.path, 'file'), content)
    file = await open(join(folder.path, 'file'))
  })
  afterAll(async () => {
    await file.close()
    folder[Symbol.dispose]()
  })

  it('sends a part, and all', async () => {
    for (const range of [whole, { start: 1_000_000, end: 2_000_000 }]) {
      const pieces: Buffer[] = []
      const out = new Writable({
        write(piece: Buffer, _, done) {
          pieces.push(Buffer.from(piece)) // as the kernel takes it
          setImmediate(done)
        },
      })
      await sendFile(file, range, out)
      expect(Buffer.concat(pieces).equals(content.subarray(range.start, range.end + 1))).toBe(true)
    }
  })

  it('fails when the client goes, also where its writes are never heard of again', async () => {
    const silent = new Writable({ write: () => undefined })
    const sending = sendFile(file, whole, silent)
    setImmediate(() => silent.destroy())
    await expect(sending).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    await expect(sendFile(file, whole, silent)).rejects.toMatchObject({ code: expect.any(String) as unknown })
  })

  it('fails once, by itself, when a write fails while nobody waits for it', async () => {
    let count = 0
    const failing = new Writable({
      highWaterMark: 1,
      write(_, __, done) {
        count += 1
        setImmediate(() => done(new Error('the connection broke')))
      },
    }).on('error', () => undefined)
    await expect(sendFile(file, whole, failing)).rejects.toThrow()
    await new Promise(setImmediate) // an unhandled rejection would fail the test by now
    expect(count).toBeGreaterThan(0)
  })
})
