import { describe, expect, it } from '@jest/globals'
import { parseRate } from './parse-rate.js'

describe('parseRate()', () => {
  it.each([
    ['8', 8],
    ['500bit', 500],
    ['500kbit', 500_000],
    ['10Mbit', 10_000_000],
    ['2.5gbit', 2_500_000_000],
    ['1tbit', 1_000_000_000_000],
  ])('reads %s', (text, bits) => {
    expect(parseRate(text, '--x')).toBe(bits)
  })

  it.each(['', 'mbit', '10mbps', '10 mbit', '-1', '1e3', '10constructor', '0x10'])('refuses %j', (text) => {
    expect(() => parseRate(text, '--x')).toThrow(/for --x: it must be like 500kbit/)
  })
})
