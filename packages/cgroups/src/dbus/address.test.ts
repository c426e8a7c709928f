import { expect, it, describe } from '@jest/globals'
import { parseAddress } from './address.js'

describe('parseAddress()', () => {
  it.each([
    ['unix:path=/run/user/1000/bus', ['/run/user/1000/bus']],
    ['unix:path=/a%20b,guid=12', ['/a b']],
    ['unix:guid=12,abstract=/tmp/x', ['\0/tmp/x']],
    ['tcp:host=localhost,port=1;unix:path=/a', ['/a']],
    ['unix:path=relative', []],
    ['unix:path=%zz', []],
    ['unix:tmpdir=/tmp', []],
    ['', []],
  ])('reads %s', (address, paths) => {
    expect(parseAddress(address)).toEqual(paths)
  })
})
