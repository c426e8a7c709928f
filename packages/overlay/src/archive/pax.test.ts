import { describe, expect, it } from '@jest/globals'
import { paxRecord } from '../../test/tar-builder.js'
import { parsePaxRecords, parsePaxTime } from './pax.js'

function records(text: string): Record<string, string> {
  const parsed = parsePaxRecords(Buffer.from(text, 'latin1'))
  return Object.fromEntries([...parsed].map(([key, value]) => [key, Buffer.from(value).toString('latin1')]))
}

describe('parsePaxRecords()', () => {
  it('reads records whose values hold anything', () => {
    const value = '\x01\x00\x00\x02\xff\xfe=\n \x80'
    expect(
      records(paxRecord(['path', 'a/b']) + paxRecord(['SCHILY.xattr.security.capability', value])),
    ).toEqual({
      path: 'a/b',
      'SCHILY.xattr.security.capability': value,
    })
  })

  it('takes the last of two records, and empty values', () => {
    expect(records('7 a=bc\n7 a=de\n5 b=\n')).toEqual({ a: 'de', b: '' })
  })

  it.each([
    'x',
    '0 a=b\n',
    '-6 a=b\n',
    '99 a=b\n',
    '6 a=bX',
    '5 abc\n',
    ' 6 a=b\n',
    '1e1 a=bcd\n',
    '999999999999999 a=b\n',
  ])('refuses %j', (text) => {
    expect(() => records(text)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_ARCHIVE' }))
  })
})

describe('parsePaxTime()', () => {
  it.each([
    ['1700000000', 1700000000_000000000n],
    ['1700000000.1', 1700000000_100000000n],
    ['1700000000.123456789', 1700000000_123456789n],
    ['1700000000.1234567899', 1700000000_123456789n],
    ['-1.5', -1_500000000n],
    ['0', 0n],
    ['5.', 5_000000000n],
  ])('reads %s', (text, nanoseconds) => {
    expect(parsePaxTime(text)).toBe(nanoseconds)
  })

  it.each(['', 'x', '1e9', '0x10', '9999999999999999999', '1.2.3', ' 1'])('knows that %j is none', (text) => {
    expect(parsePaxTime(text)).toBeUndefined()
  })
})
