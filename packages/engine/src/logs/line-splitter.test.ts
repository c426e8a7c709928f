import { describe, expect, it } from '@jest/globals'
import { LineSplitter } from './line-splitter.js'

describe('LineSplitter', () => {
  it('keeps whole lines together, however they come', () => {
    const splitter = new LineSplitter()
    expect(splitter.push(Buffer.from('a\nb'))).toEqual([{ text: 'a\n' }])
    expect(splitter.push(Buffer.from('c'))).toEqual([])
    expect(splitter.push(Buffer.from('\n\nd\n'))).toEqual([{ text: 'bc\n\nd\n' }])
    expect(splitter.flush()).toEqual([])
  })

  it('does not part the bytes of a character', () => {
    const splitter = new LineSplitter()
    const bytes = Buffer.from('grün\n')
    expect([...splitter.push(bytes.subarray(0, 3)), ...splitter.push(bytes.subarray(3))]).toEqual([
      { text: 'grün\n' },
    ])
  })

  it('cuts lines of more than 16 KiB into numbered pieces', () => {
    const splitter = new LineSplitter()
    const piece = 'x'.repeat(16 * 1024)
    const cuts = splitter.push(Buffer.from(`short\n${piece}${piece}y\nshort\n`))
    const [, first, second, third] = cuts
    expect(cuts.map(({ text }) => text)).toEqual(['short\n', piece, piece, 'y\n', 'short\n'])
    expect(first?.part).toEqual({ id: first?.part?.id, ordinal: 1, last: false })
    expect(second?.part).toEqual({ id: first?.part?.id, ordinal: 2, last: false })
    expect(third?.part).toEqual({ id: first?.part?.id, ordinal: 3, last: true })
    expect(cuts[4]?.part).toBeUndefined()
    // exactly one piece long is no piece
    expect(splitter.push(Buffer.from(`${piece}\n`))).toEqual([{ text: `${piece}\n` }])
  })

  it('gives what is left at the end as a piece', () => {
    const splitter = new LineSplitter()
    expect(splitter.push(Buffer.from('no end'))).toEqual([])
    const [cut] = splitter.flush()
    expect(cut).toMatchObject({ text: 'no end', part: { ordinal: 1, last: false } })
    expect(splitter.push(Buffer.from('next\n'))).toEqual([{ text: 'next\n' }])
  })
})
