import { describe, expect, it } from '@jest/globals'
import { checkGroupPath } from './check-group-path.js'

describe('checkGroupPath()', () => {
  it.each(['/a', '/ctrjs/0123-x_y.z', '/a/b/c', '/...', '/ä:b'])('takes %j', (path) => {
    expect(() => checkGroupPath(path)).not.toThrow()
  })

  it.each([
    '',
    '/',
    'a',
    '/a/',
    '//a',
    '/a//b',
    '/a/../b',
    '/..',
    '/.',
    '/a\0',
    '/a\nb',
    `/${'x'.repeat(256)}`,
    '/x'.repeat(2000),
    3,
  ])('refuses %j', (path) => {
    expect(() => checkGroupPath(path)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
  })
})
