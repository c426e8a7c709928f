import { describe, expect, it } from '@jest/globals'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { collectWhenIdle } from './idle-collection.js'

describe('collectWhenIdle', () => {
  it('collects what is garbage once nothing happens', async () => {
    using _collection = collectWhenIdle(500)
    const kept = new WeakRef(garbage())
    await turn()
    while (kept.deref() !== undefined) await sleep(200)
    expect(kept.deref()).toBeUndefined()
  })

  it('leaves no function behind that others could call', () => {
    using _collection = collectWhenIdle()
    expect(globalThis).not.toHaveProperty('gc')
  })
})

/** What is left of work that makes a collection worth while. */
function garbage(): object {
  const { user, system } = process.cpuUsage()
  const worked = (): number => {
    const now = process.cpuUsage()
    return now.user + now.system - user - system
  }
  let made: object = {}
  while (worked() < 600_000) made = Array.from({ length: 10_000 }, (_, n) => ({ n }))
  return made
}
