import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
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
})
