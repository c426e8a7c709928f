import { writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { tailPosition } from './log-tail.js'

describe('tailPosition()', () => {
  const folder = temporaryFolder()
  afterAll(() => folder[Symbol.dispose]())
  const path = join(folder.path, 'log')

  const tail = async (text: string, lines: number, from = 0): Promise<string> => {
    writeFileSync(path, text)
    const file = await open(path)
    try {
      return text.slice(await tailPosition(file, lines, from))
    } finally {
      await file.close()
    }
  }

  it('finds the last lines, also one that is not closed', async () => {
    expect(await tail('a\nb\nc\n', 1)).toBe('c\n')
    expect(await tail('a\nb\nc\n', 2)).toBe('b\nc\n')
    expect(await tail('a\nb\nc', 2)).toBe('b\nc')
    expect(await tail('a\n\n\n', 2)).toBe('\n\n')
  })

  it('takes all where there are no more, and none of 0', async () => {
    expect(await tail('a\nb\n', 2)).toBe('a\nb\n')
    expect(await tail('a\nb\n', 100)).toBe('a\nb\n')
    expect(await tail('a\nb\n', 0)).toBe('')
    expect(await tail('', 3)).toBe('')
  })

  it('looks at nothing before the place that it is given', async () => {
    expect(await tail('a\nb\nc\n', 5, 2)).toBe('b\nc\n')
    expect(await tail('a\nb\nc\n', 5, 6)).toBe('')
  })

  it('finds lines that are longer than what it reads at once', async () => {
    const long = 'x'.repeat(200_000)
    expect(await tail(`first\n${long}\nlast\n`, 2)).toBe(`${long}\nlast\n`)
    expect(await tail(`first\n${long}\n${long}`, 3)).toBe(`first\n${long}\n${long}`)
  })
})
