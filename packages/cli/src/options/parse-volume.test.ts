import { describe, expect, it } from '@jest/globals'
import { parseVolume } from './parse-volume.js'

describe('parseVolume()', () => {
  it.each([
    ['/data:/srv', { source: '/data', target: '/srv', readOnly: false, idmap: false }],
    ['/data:/srv:ro', { source: '/data', target: '/srv', readOnly: true, idmap: false }],
    ['/data:/srv:rw,z', { source: '/data', target: '/srv', readOnly: false, idmap: false }],
    ['/data:/srv:ro,idmap', { source: '/data', target: '/srv', readOnly: true, idmap: true }],
    ['./x:/srv', { source: '/work/x', target: '/srv', readOnly: false, idmap: false }],
    ['../x:/srv', { source: '/x', target: '/srv', readOnly: false, idmap: false }],
    ['.:/srv', { source: '/work', target: '/srv', readOnly: false, idmap: false }],
    ['data:/srv', { volume: 'data', target: '/srv', readOnly: false, copy: true }],
    ['data.1:/srv:ro,nocopy', { volume: 'data.1', target: '/srv', readOnly: true, copy: false }],
    ['/srv', { volume: undefined, target: '/srv', readOnly: false, copy: true }],
  ])('reads %s', (text, volume) => {
    expect(parseVolume(text, '/work')).toEqual(volume)
  })

  it.each([
    ['srv', /must be absolute/],
    ['d:/srv', /2 to 128 letters/],
    ['data/x:/srv', /begins with "\/"/],
    [':/srv', /2 to 128 letters/],
    ['/data:/srv:nocopy', /ro or rw, and idmap, not nocopy/],
    ['data:/srv:shared', /and nocopy/],
    ['/data:srv', /must be absolute/],
    ['/data:/srv:ro,rw', /ro or rw/],
    ['/data:/srv:shared', /ro or rw/],
    ['/data:/srv:ro:x', /at most/],
  ])('refuses %s', (text, why) => {
    expect(() => parseVolume(text, '/work')).toThrow(why)
  })
})
