import { describe, expect, it } from '@jest/globals'
import { errnoName, errnoNumber, errnoText } from './errno.js'

describe('errnoName()', () => {
  it('names the numbers of asm-generic/errno.h', () => {
    expect([1, 11, 35, 95, 108, 133].map(errnoName)).toEqual([
      'EPERM',
      'EAGAIN',
      'EDEADLK',
      'EOPNOTSUPP',
      'ESHUTDOWN',
      'EHWPOISON',
    ])
  })

  it('gives numbers that Linux does not have as such', () => {
    expect(errnoName(4000)).toBe('errno 4000')
  })
})

describe('errnoNumber()', () => {
  it('knows aliases', () => {
    expect(errnoNumber('EWOULDBLOCK')).toBe(errnoNumber('EAGAIN'))
    expect(errnoNumber('ENOTSUP')).toBe(errnoNumber('EOPNOTSUPP'))
  })

  it('knows no other names', () => {
    expect(errnoNumber('ENONSENSE')).toBeUndefined()
    expect(errnoNumber('constructor')).toBeUndefined()
  })
})

describe('errnoText()', () => {
  it('has a text for every number that has a name', () => {
    const named = Array.from({ length: 133 }, (_, index) => index + 1).filter(
      (errno) => !errnoName(errno).startsWith('errno '),
    )
    expect(named.length).toBeGreaterThan(100)
    expect(named.filter((errno) => errnoText(errno) === 'unknown error')).toEqual([])
  })
})
