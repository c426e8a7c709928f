import { describe, expect, it } from '@jest/globals'
import { overlayParameters } from './description.js'

describe('overlayParameters()', () => {
  it('gives the lower folders from the top, then the upper one', () => {
    expect(
      overlayParameters({ lower: ['/base', '/top'], upper: '/up', work: '/work', volatile: true }),
    ).toEqual([
      ['index', 'off'],
      ['metacopy', 'off'],
      ['redirect_dir', 'off'],
      ['lowerdir+', '/top'],
      ['lowerdir+', '/base'],
      ['upperdir', '/up'],
      ['workdir', '/work'],
      ['volatile'],
    ])
  })

  it('keeps its notes where an ordinary user can, and follows none of them', () => {
    const parameters = overlayParameters({ lower: ['/base', '/top'], userxattr: true })
    expect(parameters).toContainEqual(['userxattr'])
    expect(parameters).toContainEqual(['redirect_dir', 'nofollow'])
  })

  it.each([
    ['no lower folder', { lower: [] }],
    ['too many', { lower: Array.from({ length: 501 }, () => '/a') }],
    ['an upper folder alone', { lower: ['/a'], upper: '/b' }],
    ['a single lower folder without an upper one', { lower: ['/a'] }],
    ['a relative path', { lower: ['a', '/b'] }],
    ['a path that is too long', { lower: ['/a', `/${'x'.repeat(255)}`] }],
    ['a backslash', { lower: ['/a', '/b\\c'] }],
    ['NUL', { lower: ['/a', '/b\0c'] }],
  ])('refuses %s', (_, description) => {
    expect(() => overlayParameters(description)).toThrow(
      expect.objectContaining({ code: 'ERR_OVERLAY_INVALID_ARG' }),
    )
  })

  it('takes paths with the characters that mount options cannot hold', () => {
    expect(overlayParameters({ lower: ['/a:b', '/c,d=e'] })).toContainEqual(['lowerdir+', '/a:b'])
  })
})
