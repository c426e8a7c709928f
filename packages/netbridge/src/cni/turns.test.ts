import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { Turns } from './turns.js'

describe('Turns', () => {
  it('runs one key in order, others side by side, and some work alone', async () => {
    const turns = new Turns()
    const seen: string[] = []
    const work = (name: string) => async (): Promise<void> => {
      seen.push(`${name}+`)
      await turn()
      await turn()
      seen.push(`${name}-`)
    }
    const failing = turns.after('a', () => Promise.reject(new Error('no')))
    await Promise.all([
      expect(failing).rejects.toThrow('no'),
      turns.after('a', work('a')),
      turns.after('b', work('b')),
      turns.alone(work('gc')),
      turns.after('b', work('late')),
    ])
    expect(seen.indexOf('b+')).toBeLessThan(seen.indexOf('a-'))
    expect(seen.slice(-4)).toEqual(['gc+', 'gc-', 'late+', 'late-'])
  })
})
