import { describe, expect, it } from '@jest/globals'
import { parseCopyArgument } from './copy-argument.js'

describe('parseCopyArgument()', () => {
  it.each([
    ['web:/etc/motd', { kind: 'container', container: 'web', path: '/etc/motd' }],
    ['web:etc/a:b', { kind: 'container', container: 'web', path: 'etc/a:b' }],
    ['/srv/a:b', { kind: 'host', path: '/srv/a:b' }],
    ['./a:b', { kind: 'host', path: './a:b' }],
    ['../a:b', { kind: 'host', path: '../a:b' }],
    ['file', { kind: 'host', path: 'file' }],
    ['-', { kind: 'tar' }],
  ])('understands %s', (text, expected) => {
    expect(parseCopyArgument(text)).toEqual(expected)
  })

  it.each(['web:', ':/etc'])('refuses %s', (text) => {
    expect(() => parseCopyArgument(text)).toThrow('write CONTAINER:PATH')
  })
})
