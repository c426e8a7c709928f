import { describe, expect, it } from '@jest/globals'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { collectWhenIdle } from './idle-collection.js'

describe('collectWhenIdle', () => {
  it('collects what is garbage once nothing happens', async () => {
    using _collection = collectWhenIdle(50)
    const kept = new WeakRef(garbage())
    await turn()
    while (kept.deref() !== undefined) await sleep(10)
    expect(kept.deref()).toBeUndefined()
  })

  it('leaves no function behind that others could call', () => {
    using _collection = collectWhenIdle()
    expect(globalThis).not.toHaveProperty('gc')
  })
})

/** More than is worth a collection, on the heap. */
function garbage(): object {
  return Array.from({ length: 200_000 }, (_, n) => ({ n }))
}
