import { describe, expect, it } from '@jest/globals'
import { parseSize } from './parse-size.js'

describe('parseSize()', () => {
  it.each([
    ['4096', 4096],
    ['1b', 1],
    ['64m', 64 * 2 ** 20],
    ['64M', 64 * 2 ** 20],
    ['1g', 2 ** 30],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['10 kb', 10_240],
    ['0', 0],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text, '-m')).toBe(bytes)
  })

  it.each(['', 'm', '-1', '1x', '1mm', '0x10', '1e3', '99999999999p'])('refuses %j', (text) => {
    expect(() => parseSize(text, '-m')).toThrow(
      expect.objectContaining({ code: 'ERR_CLI_USAGE', exitCode: 125 }),
    )
  })
})
