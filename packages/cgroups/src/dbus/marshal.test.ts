import { describe, expect, it } from '@jest/globals'
import { marshal } from './marshal.js'
import { unmarshal } from './unmarshal.js'
import { parseSignature } from './signature.js'
import type { Value } from './value.js'

describe('marshal()', () => {
  // offsets and padding by hand, after the tables of the specification
  it.each<[string, Value[], string]>([
    ['y', [255], 'ff'],
    ['yu', [1, 2], '01000000 02000000'],
    ['b', [true], '01000000'],
    ['nq', [-2, 65535], 'feff ffff'],
    ['ix', [-1, -2n], 'ffffffff 00000000 feffffffffffffff'],
    ['t', [2n ** 64n - 1n], 'ffffffffffffffff'],
    ['d', [1.5], '000000000000f83f'],
    ['s', ['foo'], '03000000 666f6f00'],
    ['so', ['ä', '/a'], '02000000 c3a400 00 02000000 2f6100'],
    ['g', ['a(sv)'], '05 612873762900'],
    ['ay', [Uint8Array.of(1, 2, 3)], '03000000 010203'],
    ['at', [[]], '00000000 00000000'],
    ['as', [['a', 'bc']], '0f000000 01000000 6100 0000 02000000 626300'],
    ['v', [{ signature: 'u', value: 7 }], '01 7500 00 07000000'],
    ['(yt)', [[1, 2n]], '0100000000000000 0200000000000000'],
    [
      'a(sv)',
      [[['A', { signature: 'b', value: true }]]],
      '10000000 00000000 01000000 4100 01 6200 000000 01000000',
    ],
    ['a{yy}', [[[1, 2]]], '02000000 00000000 0102'],
  ])('writes %s %j', (signature, values, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(marshal(signature, values).toString('hex')).toBe(bytes.toString('hex'))
    expect(unmarshal(bytes, signature)).toEqual(values)
  })

  it.each<[string, Value[]]>([
    ['u', [-1]],
    ['u', [2 ** 32]],
    ['u', [1.5]],
    ['u', ['1']],
    ['t', [1]],
    ['t', [2n ** 64n]],
    ['s', ['a\0b']],
    ['o', ['a']],
    ['o', ['/a/']],
    ['g', ['a']],
    ['ay', [[1]]],
    ['as', ['a']],
    ['(uu)', [[1]]],
    ['v', [1]],
    ['v', [{ signature: 'uu', value: 1 }]],
    ['b', [1]],
    ['u', []],
  ])('refuses %s %p', (signature, values) => {
    expect(() => marshal(signature, values)).toThrow(expect.objectContaining({ name: 'CgroupError' }))
  })
})

describe('unmarshal()', () => {
  it('reads numbers of the other byte order', () => {
    expect(unmarshal(Buffer.from('00000102', 'hex'), 'u', false)).toEqual([258])
  })

  it.each([
    ['too little', 'u', '010000'],
    ['bytes left over', 'y', '0101'],
    ['padding that is not zero', 'yu', '01000100 02000000'],
    ['a boolean of 2', 'b', '02000000'],
    ['a text without an end', 's', '03000000 666f6f'],
    ['a text with a NUL', 's', '03000000 66006f00'],
    ['a text that is not UTF-8', 's', '01000000 ff00'],
    ['a text of 4 GiB', 's', 'ffffffff 666f6f00'],
    ['an array that is longer than the message', 'ay', 'ffffff7f 01'],
    ['an array that ends within a value', 'au', '06000000 01000000 02000000'],
    ['a variant of two values', 'v', '02 757500 01000000 02000000'],
    ['a variant of none', 'v', '00 00'],
    ['an unknown type', 'v', '01 6800 00000000'],
  ])('refuses %s', (_, signature, hex) => {
    expect(() => unmarshal(Buffer.from(hex.replaceAll(' ', ''), 'hex'), signature)).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_PARSE' }),
    )
  })

  it('refuses variants in variants without end', () => {
    const bytes = Buffer.from('017600'.repeat(1000), 'hex')
    expect(() => unmarshal(bytes, 'v')).toThrow(/nested deeper/)
  })
})

describe('parseSignature()', () => {
  it.each([
    'a',
    '(',
    '()',
    '(u',
    'a{',
    'a{vs}',
    'a{s}',
    'a{sss}',
    '{ss}',
    ')',
    'h',
    'z',
    'a'.repeat(40) + 'u',
    '('.repeat(40),
    'u'.repeat(256),
  ])('refuses %s', (text) => {
    expect(() => parseSignature(text)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_PARSE' }))
  })

  it('takes nested types', () => {
    expect(parseSignature('ssa(sv)a(sa(sv))').map(({ code }) => code)).toEqual(['s', 's', 'a', 'a'])
    expect(parseSignature('a{s(ua{ov})}')).toHaveLength(1)
  })
})
