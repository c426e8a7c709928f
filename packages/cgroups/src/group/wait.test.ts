import { describe, expect, it } from '@jest/globals'
import { until } from './wait.js'

describe('until()', () => {
  it('asks at once, again after pauses, and gives up in time', async () => {
    expect(await until(() => true, 0)).toBe(true)
    let asked = 0
    expect(await until(() => ++asked === 4, 5000)).toBe(true)
    expect(asked).toBe(4)
    const start = performance.now()
    expect(await until(() => false, 30)).toBe(false)
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it("rejects with Node's AbortError, its cause the reason, also when aborted before", async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = until(() => false, 10_000, controller.signal)
    controller.abort(reason)
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: reason })
    await expect(until(() => true, 10_000, controller.signal)).rejects.toMatchObject({
      name: 'AbortError',
      cause: reason,
    })
  })
})
