import { describe, expect, it } from '@jest/globals'
import { splitEntryName } from './entry-name.js'
import { defaultLayerLimits as limits } from './limits.js'

describe('splitEntryName()', () => {
  it.each([
    ['a', '', 'a'],
    ['./a', '', 'a'],
    ['/a/b', 'a', 'b'],
    ['///a//./b/', 'a', 'b'],
    ['a/b/c', 'a/b', 'c'],
    ['./', '', ''],
    ['/', '', ''],
    ['', '', ''],
    ['...', '', '...'],
    ['a\\b', '', 'a\\b'],
  ])('splits %j', (path, parent, name) => {
    expect(splitEntryName(path, limits)).toEqual({ parent, name })
  })

  it.each(['..', '../a', 'a/../../b', 'a/..', '/..', 'a/../b', './../a'])('refuses %j', (path) => {
    expect(() => splitEntryName(path, limits)).toThrow(
      expect.objectContaining({ code: 'ERR_OVERLAY_ARCHIVE' }),
    )
  })

  it('refuses NUL and components that no file system takes', () => {
    expect(() => splitEntryName('a\0b', limits)).toThrow('a name cannot hold NUL')
    expect(() => splitEntryName(`a/${'x'.repeat(256)}`, limits)).toThrow('256 bytes')
  })

  it('refuses what is too long or too deep, and does not print all of it', () => {
    const long = 'a/'.repeat(3000)
    expect(() => splitEntryName(long, limits)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_LIMIT' }))
    expect(() => splitEntryName('a/'.repeat(300), limits)).toThrow('300 levels deep, the limit is 256')
    try {
      splitEntryName(long, limits)
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(400)
    }
  })
})
