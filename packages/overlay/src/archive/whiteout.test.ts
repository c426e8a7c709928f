import { describe, expect, it } from '@jest/globals'
import { nameMeaning } from './whiteout.js'

describe('nameMeaning()', () => {
  it.each([
    ['a', 'file', { kind: 'plain' }],
    ['a', '.wh', { kind: 'plain' }],
    ['a', 'x.wh.y', { kind: 'plain' }],
    ['a', '.wh.file', { kind: 'whiteout', hidden: 'file' }],
    ['', '.wh....', { kind: 'whiteout', hidden: '...' }],
    ['a', '.wh..wh..opq', { kind: 'opaque' }],
    ['', '.wh..wh.plnk', { kind: 'ignored' }],
    ['a', '.wh..wh.aufs', { kind: 'ignored' }],
    ['.wh..wh.plnk', '12.34', { kind: 'ignored' }],
    ['a.wh.b', 'c', { kind: 'plain' }],
  ])('reads %j / %j', (parent, name, meaning) => {
    expect(nameMeaning({ parent, name })).toEqual(meaning)
  })

  it.each([
    ['', '.wh.'],
    ['', '.wh..'],
    ['a', '.wh...'],
    ['.wh.a', 'b'],
    ['a/.wh.b/c', 'd'],
  ])('refuses %j / %j', (parent, name) => {
    expect(() => nameMeaning({ parent, name })).toThrow(
      expect.objectContaining({ code: 'ERR_OVERLAY_ARCHIVE' }),
    )
  })
})
