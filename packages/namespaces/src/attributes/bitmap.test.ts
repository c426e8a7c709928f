import { describe, expect, it } from '@jest/globals'
import { bitmapOf } from './bitmap.js'

describe('bitmapOf()', () => {
  it('makes words of 64 bits', () => {
    expect(Buffer.from(bitmapOf([0, 9, 64])).toString('hex')).toBe('01020000000000000100000000000000')
    expect(bitmapOf([]).length).toBe(8)
  })
})
