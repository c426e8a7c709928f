import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { LoopTurns } from './loop-turns.js'

describe('LoopTurns', () => {
  it('lets one go on at once', async () => {
    const turns = new LoopTurns()
    let done = false
    void turns.next().then(() => (done = true))
    await Promise.resolve()
    await Promise.resolve()
    expect(done).toBe(true)
  })

  it('lets one a turn of the loop go on, in order', async () => {
    const turns = new LoopTurns()
    const done: number[] = []
    const all = [1, 2, 3].map(async (n) => {
      await turns.next()
      done.push(n)
    })
    const seen: number[] = []
    for (let looks = 0; looks < 5; looks++) {
      await turn()
      seen.push(done.length)
    }
    await Promise.all(all)
    expect(done).toEqual([1, 2, 3])
    for (const [at, count] of seen.entries()) expect(count - (seen[at - 1] ?? 1)).toBeLessThanOrEqual(1)
  })

  it('lets one go on at once again when the others have had their turns', async () => {
    const turns = new LoopTurns()
    await Promise.all([turns.next(), turns.next()])
    await turn()
    await turn()
    let done = false
    void turns.next().then(() => (done = true))
    await Promise.resolve()
    await Promise.resolve()
    expect(done).toBe(true)
  })
})
