import { describe, expect, it } from '@jest/globals'
import { sharesToWeight, weightToShares } from './shares.js'

describe('sharesToWeight()', () => {
  it.each([
    [2, 1],
    [256, 35],
    [512, 59],
    [1000, 99],
    [1024, 100],
    [2000, 170],
    [262_144, 10_000],
  ])('turns %i shares into weight %i', (shares, weight) => {
    expect(sharesToWeight(shares)).toBe(weight)
  })

  it('never falls and stays in range', () => {
    let last = 0
    for (let shares = 2; shares <= 262_144; shares += shares < 5000 ? 1 : 97) {
      const weight = sharesToWeight(shares)
      expect(weight).toBeGreaterThanOrEqual(last)
      expect(weight).toBeLessThanOrEqual(10_000)
      last = weight
    }
  })

  it('refuses what is out of range', () => {
    for (const shares of [0, 1, 262_145, 2.5]) expect(() => sharesToWeight(shares)).toThrow(/cpu\.shares/)
  })
})

describe('weightToShares()', () => {
  it('has the same ends and middle', () => {
    expect([1, 100, 10_000].map((weight) => weightToShares(weight))).toEqual([2, 1024, 262_144])
  })

  it('is the inverse up to rounding', () => {
    for (let weight = 1; weight <= 10_000; weight += 7)
      expect(Math.abs(sharesToWeight(weightToShares(weight)) - weight)).toBeLessThanOrEqual(1)
  })
})
