import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { EarlySync } from './early-sync.js'
import { GatheringWriter } from './gathering-writer.js'

describe('GatheringWriter', () => {
  it('writes pieces of all sizes in their order, from a position on', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'file')
    writeFileSync(path, 'start')
    const pieces = Array.from({ length: 3000 }, (_, index) => randomBytes((index * 7919) % 5000))
    const file = await open(path, 'r+')
    const ends: number[] = []
    const writer = new GatheringWriter(file, 5, (end) => ends.push(end))
    for (const piece of pieces) await writer.write(piece)
    await writer.flush()
    await file.close()
    const whole = Buffer.concat([Buffer.from('start'), ...pieces])
    expect(whole.equals(readFileSync(path))).toBe(true)
    expect(ends.at(-1)).toBe(whole.length)
    expect(ends).toEqual([...ends].sort((a, b) => a - b))
    expect(ends.length).toBeLessThan(pieces.length) // gathered
  })

  it('tells what a write has thrown, from then on', async () => {
    const file = await open('/dev/full', 'r+')
    const writer = new GatheringWriter(file, 0, () => undefined)
    await writer.write(Buffer.from('some'))
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(writer.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'ENOSPC' })
    await file.close()
  })

  it('has the disk write while more comes, and tells what that has thrown', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'file')
    const turns: number[] = []
    const pieces = Array.from({ length: 10 }, () => randomBytes(EarlySync.step / 4))
    const file = await open(path, 'w')
    let end = 0
    class Counted extends EarlySync {
      override begin(of: FileHandle): Promise<void> | undefined {
        const turn = super.begin(of)
        if (turn !== undefined) turns.push(end)
        return turn
      }
    }
    const writer = new GatheringWriter(file, 0, (at) => (end = at), new Counted())
    for (const piece of pieces) await writer.write(piece)
    await writer.flush()
    await file.close()
    expect(Buffer.concat(pieces).equals(readFileSync(path))).toBe(true)
    expect(turns.length).toBeGreaterThan(0)
    expect(turns.every((at, n) => at - (turns[n - 1] ?? 0) >= EarlySync.step)).toBe(true)

    const broken = new (class extends EarlySync {
      override begin(): Promise<void> {
        return Promise.reject(Object.assign(new Error('the disk is broken'), { code: 'EIO' }))
      }
    })()
    const other = await open(path, 'w')
    const failing = new GatheringWriter(other, 0, () => undefined, broken)
    await failing.write(Buffer.alloc(EarlySync.step))
    await expect(failing.flush()).rejects.toMatchObject({ code: 'EIO' })
    await other.close()
  })
})
