import { describe, expect, it } from '@jest/globals'
import { quotaPerSecond, roundQuota } from './quota.js'

describe('roundQuota()', () => {
  it.each([
    [50_000, 100_000, 50_000],
    [12_345, 100_000, 13_000],
    [1000, 100_000, 1000],
    [1001, 100_000, 2000],
    [33_333, 50_000, 33_500],
    [1_000_001, 1_000_000, 1_010_000],
  ])('makes %d of %d %d', (quota, period, rounded) => {
    expect(roundQuota({ quota, period })).toEqual({ quota: rounded, period })
    // what is rounded stays as it is
    expect(roundQuota({ quota: rounded, period }).quota).toBe(rounded)
  })

  it('counts from the usual period, and leaves no limit alone', () => {
    expect(roundQuota({ quota: 12_345 })).toEqual({ quota: 13_000 })
    expect(roundQuota({ quota: 'max', period: 1000 })).toEqual({ quota: 'max', period: 1000 })
    expect(roundQuota({ shares: 2 })).toEqual({ shares: 2 })
  })
})

describe('quotaPerSecond()', () => {
  it('is a whole percent of a processor', () => {
    expect(quotaPerSecond(12_345, 100_000)).toBe(130_000)
    expect(quotaPerSecond(150_000, 100_000)).toBe(1_500_000)
  })
})
