import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { nanosOf, timestamp } from './timestamp.js'

describe('timestamp()', () => {
  afterEach(() => {
    jest.restoreAllMocks()
  })

  it('has microseconds, and goes with the clock when somebody sets it', () => {
    const real = Date.now.bind(Date)
    let setMs = 0
    jest.spyOn(Date, 'now').mockImplementation(() => real() + setMs)
    for (const ms of [0, 3_600_000, -86_400_000, 0]) {
      setMs = ms
      const before = Date.now()
      const nanos = nanosOf(timestamp())
      // the one clock may be a few milliseconds behind the other
      expect(Number(nanos / 1_000_000n)).toBeGreaterThanOrEqual(before - 6)
      expect(Number(nanos / 1_000_000n)).toBeLessThanOrEqual(Date.now() + 6)
    }
  })
})
