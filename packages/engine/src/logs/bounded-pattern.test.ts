import { describe, expect, it } from '@jest/globals'
import { BoundedPattern } from './bounded-pattern.js'

describe('BoundedPattern', () => {
  it('tells which texts match', () => {
    const pattern = new BoundedPattern('^a+$')
    expect(pattern.matches(['aa', 'ab'])).toEqual([true, false])
    expect(pattern.matches([])).toEqual([])
  })

  it('gives up what takes too long, and goes on', () => {
    const pattern = new BoundedPattern('^(a+)+$', 20)
    expect(pattern.matches([`${'a'.repeat(60)}!`])).toBeUndefined()
    expect(pattern.matches(['aaa'])).toEqual([true])
  })

  it('refuses what is no pattern', () => {
    expect(() => new BoundedPattern('(')).toThrow('Invalid regular expression')
  })
})
