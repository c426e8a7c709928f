import { describe, expect, it } from '@jest/globals'
import { parseUserNamespace } from './parse-userns.js'

describe('parseUserNamespace()', () => {
  it.each([
    [undefined, undefined],
    ['host', 'host'],
    ['auto', 'auto'],
    ['auto:size=5000', { size: 5000 }],
    ['remap', { user: 'dockremap' }],
    ['remap:default', { user: 'dockremap' }],
    ['remap:alice', { user: 'alice' }],
  ])('reads %s', (userns, option) => {
    expect(parseUserNamespace({ userns })).toEqual(option)
  })

  it('reads maps, one of which stands for both', () => {
    const map = [
      { inside: 0, outside: 100_000, size: 1000 },
      { inside: 1000, outside: 5, size: 1 },
    ]
    expect(parseUserNamespace({ uidmap: ['0:100000:1000', '1000:5'] })).toEqual({ uid: map, gid: map })
    expect(parseUserNamespace({ uidmap: ['0:100000:1000', '1000:5'], gidmap: ['0:7:9'] })).toEqual({
      uid: map,
      gid: [{ inside: 0, outside: 7, size: 9 }],
    })
  })

  it.each([
    [{ userns: 'private' }, /host, auto/],
    [{ userns: 'remap:' }, /remap:USER/],
    [{ userns: 'auto:size=x' }, /auto:size=N/],
    [{ userns: 'auto', uidmap: ['0:1:1'] }, /together/],
    [{ uidmap: ['0:-1:1'] }, /CONTAINER:HOST:COUNT/],
    [{ gidmap: ['0'] }, /CONTAINER:HOST:COUNT/],
  ])('refuses %j', (flags, why) => {
    expect(() => parseUserNamespace(flags)).toThrow(why)
  })
})
