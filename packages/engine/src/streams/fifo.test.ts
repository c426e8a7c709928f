import { writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { makeFifo, openBothWays, readFifo } from './fifo.js'

describe('readFifo()', () => {
  it('ends with the last writer, and at once when the last one has gone before', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/pipe`
    makeFifo(path)
    const writer = openBothWays(path)
    const first = text(readFifo(path))
    writeSync(writer.number, 'hello')
    writer.close()
    expect(await first).toBe('hello')
    expect(await text(readFifo(path))).toBe('')
  })
})
