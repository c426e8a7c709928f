import { describe, expect, it } from '@jest/globals'
import { largeInteger, parseJson } from './json.js'

const member = (text: string): unknown => (parseJson(`{"a":${text}}`) as { a: unknown }).a

describe('parseJson()', () => {
  it.each([
    ['9223372036854771712', 9223372036854771712n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['9007199254740993', 9007199254740993n],
  ])('keeps the digits of %s', (text, value) => {
    expect(largeInteger(member(text))).toBe(value)
  })

  it('leaves safe integers, fractions, exponents and text alone', () => {
    const source = `{"a":9007199254740991,"b":-12.5,"c":1e3,"d":"18446744073709551615 \\" 18446744073709551615",
      "1844674407370955161":[true,null],"f":0.12345678901234567890}`
    expect(parseJson(source)).toEqual(JSON.parse(source))
    expect(largeInteger('18446744073709551615')).toBeUndefined()
  })

  it('takes an integer of any length without doing it', () => {
    expect(largeInteger(member('1'.repeat(1_000_000)))).toBeUndefined()
  })

  it('reads long text and deep nesting with large integers in time', () => {
    const long = 'x\\"'.repeat(1_000_000)
    const deep = '['.repeat(100_000) + '18446744073709551615' + ']'.repeat(100_000)
    expect(largeInteger((parseJson(`["${long}",18446744073709551615]`) as unknown[])[1])).toBe(2n ** 64n - 1n)
    expect(
      largeInteger((parseJson(`["${'y'.repeat(7_000_000)}",18446744073709551615]`) as unknown[])[1]),
    ).toBe(2n ** 64n - 1n)
    expect(parseJson(deep)).toHaveLength(1)
  })

  it.each([
    ['', 'cannot use the config: it is not JSON: '],
    ['{"a":1', 'cannot use the config: it is not JSON: '],
    [
      ' '.repeat(8 * 1024 * 1024 + 1),
      'cannot use the config: it must have at most 8388608 characters, got 8388609',
    ],
  ])('refuses what is no JSON', (text, message) => {
    expect(() => parseJson(text)).toThrow(message)
  })
})
