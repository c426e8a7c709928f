import { describe, expect, it } from '@jest/globals'
import { checkIdMaps, ownIdMaps, type IdMapping } from './id-map.js'

const one: readonly IdMapping[] = [{ inside: 0, outside: 1000, size: 1 }]

function refusal(uid: readonly IdMapping[]): unknown {
  try {
    checkIdMaps({ uid, gid: one })
  } catch (error) {
    return error
  }
  return undefined
}

const refused = (message: RegExp): ReturnType<typeof expect.objectContaining> =>
  expect.objectContaining({
    name: 'NamespacesError',
    code: 'ERR_NAMESPACES_INVALID_ARG',
    message: expect.stringMatching(message),
  })

describe('checkIdMaps()', () => {
  it('takes ranges that touch, in any order, up to the last id', () => {
    expect(refusal(one)).toBeUndefined()
    expect(
      refusal([
        { inside: 1, outside: 100_000, size: 65_535 },
        { inside: 0, outside: 1000, size: 1 },
        { inside: 4_294_967_294, outside: 4_294_967_294, size: 1 },
      ]),
    ).toBeUndefined()
  })

  it('refuses no range at all, and more than the kernel takes', () => {
    expect(refusal([])).toEqual(refused(/1 to 340 ranges are needed, got 0$/))
    const many = Array.from({ length: 341 }, (_, n) => ({ inside: n, outside: n, size: 1 }))
    expect(refusal(many.slice(0, 340))).toBeUndefined()
    expect(refusal(many)).toEqual(refused(/got 341$/))
  })

  it.each([
    { inside: -1, outside: 0, size: 1 },
    { inside: 0, outside: 0.5, size: 1 },
    { inside: 0, outside: 0, size: 0 },
    { inside: 0, outside: 2 ** 32, size: 1 },
    { inside: Number.NaN, outside: 0, size: 1 },
  ])('refuses $inside:$outside:$size', (range) => {
    expect(refusal([range])).toEqual(refused(/ids are 32-bit integers and a range is not empty$/))
  })

  it('refuses ranges that overlap on either side, and says which', () => {
    expect(
      refusal([
        { inside: 5, outside: 100, size: 10 },
        { inside: 0, outside: 0, size: 6 },
      ]),
    ).toEqual(refused(/^cannot map uids: the ranges that begin at 0 and 5 inside overlap$/))
    expect(
      refusal([
        { inside: 0, outside: 100, size: 10 },
        { inside: 10, outside: 109, size: 1 },
      ]),
    ).toEqual(refused(/the ranges that begin at 100 and 109 outside overlap$/))
  })

  it('looks at gids as well', () => {
    expect(() => checkIdMaps({ uid: one, gid: [] })).toThrow(refused(/^cannot map gids/))
  })
})

describe('ownIdMaps()', () => {
  it('lets one id inside stand for the caller', () => {
    expect(ownIdMaps(7)).toEqual({
      uid: [{ inside: 7, outside: process.geteuid!(), size: 1 }],
      gid: [{ inside: 7, outside: process.getegid!(), size: 1 }],
    })
    checkIdMaps(ownIdMaps())
  })
})
