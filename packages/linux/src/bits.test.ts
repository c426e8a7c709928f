import { describe, expect, it } from '@jest/globals'
import { hasBits, withBits } from './bits.js'

describe('withBits()', () => {
  it('sets bits once, beyond 32 bits too', () => {
    expect(withBits(0x100000000, 0x80000001)).toBe(0x180000001)
    expect(withBits(0x180000001, 0x80000001)).toBe(0x180000001)
  })
})

describe('hasBits()', () => {
  it('wants all of them', () => {
    expect(hasBits(0x300000000, 0x100000000)).toBe(true)
    expect(hasBits(0x200000001, 0x100000001)).toBe(false)
  })
})
