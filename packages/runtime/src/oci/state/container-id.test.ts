import { describe, expect, it } from '@jest/globals'
import { checkContainerId, isContainerId } from './container-id.js'

describe('isContainerId()', () => {
  it.each(['a', '0', 'test_box-1.2+3', '-', 'x'.repeat(255)])('accepts %j', (id) => {
    expect(isContainerId(id)).toBe(true)
  })

  it.each(['', '.', '..', '...', '.hidden', '../x', 'a/b', 'a b', 'a\n', 'ä', 'a\0', '~a', 'x'.repeat(256)])(
    'refuses %j',
    (id) => {
      expect(isContainerId(id)).toBe(false)
    },
  )
})

describe('checkContainerId()', () => {
  it('says what callers look for, and quotes a bounded part of the id', () => {
    expect(() => {
      checkContainerId('\n'.repeat(1000))
    }).toThrow(
      expect.objectContaining({
        code: 'ERR_RUNTIME_INVALID_ARG',
        message: expect.stringMatching(
          /^invalid container ID format: "(\\n){64}": invalid character "\\n" in container ID: 1 to 255 letters/,
        ),
      }),
    )
  })
})
