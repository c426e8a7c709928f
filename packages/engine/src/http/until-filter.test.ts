import { describe, expect, it } from '@jest/globals'
import type { Filters } from './query.js'
import { untilOf } from './until-filter.js'

const until = (...values: string[]): number => untilOf({ get: () => values } as unknown as Filters)

describe('untilOf()', () => {
  it('has no end where nothing is asked', () => {
    expect(until()).toBe(Number.POSITIVE_INFINITY)
  })

  it('reads times and how long ago', () => {
    expect(until('2026-01-02T03:04:05Z')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5))
    expect(until('1700000000')).toBe(1_700_000_000_000)
    expect(Math.abs(until('1h30m') - (Date.now() - 5_400_000))).toBeLessThan(60_000)
  })

  it('refuses what is no time', () => {
    expect(() => until('soon')).toThrow("invalid filter 'until=soon'")
  })
})
