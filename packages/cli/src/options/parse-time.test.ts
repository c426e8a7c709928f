import { describe, expect, it } from '@jest/globals'
import { parseTime } from './parse-time.js'

const read = (text: string): string => parseTime(text, '--since')

describe('parseTime()', () => {
  it('takes seconds since 1970 as they are, nanoseconds too', () => {
    expect(read('1700000000')).toBe('1700000000')
    expect(read('1700000000.123456789')).toBe('1700000000.123456789')
  })

  it('reads dates, and keeps nanoseconds', () => {
    expect(read('2026-01-02T03:04:05Z')).toBe('1767323045.000')
    expect(read('2026-01-02T03:04:05.123456789Z')).toBe('1767323045.123456789')
    expect(read('2026-01-02T04:04:05+01:00')).toBe('1767323045.000')
  })

  it('takes a date without a zone for one of this machine', () => {
    const local = (...parts: [number, number, number, number?, number?]): string =>
      (new Date(...parts).getTime() / 1000).toFixed(3)
    expect(read('2026-01-02')).toBe(local(2026, 0, 2))
    expect(read('2026-01-02T03')).toBe(local(2026, 0, 2, 3))
    expect(read('2026-01-02T03:04')).toBe(local(2026, 0, 2, 3, 4))
  })

  it('reads how long ago', () => {
    const ago = Date.now() / 1000 - Number(read('1h30m'))
    expect(ago).toBeGreaterThan(5399)
    expect(ago).toBeLessThan(5402)
  })

  it.each(['', 'yesterday', '2026-13-40', '10x'])('refuses %j', (text) => {
    expect(() => read(text)).toThrow(/^invalid argument .* for --since: /)
  })
})
