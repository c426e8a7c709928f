import { describe, expect, it } from '@jest/globals'
import { ownerName } from './owner-name.js'

describe('ownerName()', () => {
  it('is the name of a user, or the number of one without', () => {
    expect(ownerName(0)).toBe('root')
    expect(ownerName(2 ** 31 - 17)).toBe(`#${2 ** 31 - 17}`)
  })
})
