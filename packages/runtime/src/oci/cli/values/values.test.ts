import { describe, expect, it } from '@jest/globals'
import { parseDuration } from './parse-duration.js'
import { parseInteger, parseInteger64 } from './parse-integer.js'
import { parseSignal } from './parse-signal.js'
import { parseSize } from './parse-size.js'

describe('parseDuration()', () => {
  it.each([
    ['5s', 5000],
    ['100ms', 100],
    ['1m30s', 90_000],
    ['0.5s', 500],
    ['1h', 3_600_000],
    ['1ns', 1],
    ['1500µs', 2],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration('interval', text)).toBe(ms)
  })

  it.each(['', '5', 's', '-1s', '0s', '1e3s', '999999h', '1s'.repeat(100), ' 1s', '1s\n'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration('interval', text)).toThrow('invalid value for interval: must be a time')
    },
  )
})

describe('parseSize()', () => {
  it.each([
    ['0', 0],
    ['-1', -1],
    ['1048576', 1048576],
    ['1m', 1048576],
    ['1M', 1048576],
    ['1.5GiB', 1610612736],
    ['2kb', 2048],
    ['64 MB', 67108864],
  ])('%s is %d', (text, bytes) => {
    expect(parseSize('memory', text)).toBe(bytes)
  })

  it.each(['', '-2', 'm', '1x', '0x10', '9999999999p', 'NaN', '1e9', '1m\n'])('refuses %j', (text) => {
    expect(() => parseSize('memory', text)).toThrow('invalid value for memory: must be a size')
  })
})

describe('parseInteger()', () => {
  it.each(['', '1.5', '0x1', '1e3', '-1', '8', ' 1', '99999999999999999'])('refuses %j', (text) => {
    expect(() => parseInteger('n', text, { min: 0, max: 7 })).toThrow(
      'invalid value for n: must be a whole number from 0 to 7',
    )
  })

  it('reads 64 bits', () => {
    expect(parseInteger64('n', '-1', { signed: true })).toBe(-1)
    expect(parseInteger64('n', '18446744073709551615', { signed: false })).toBe(18446744073709551615n)
    expect(() => parseInteger64('n', '18446744073709551616', { signed: false })).toThrow(
      'of 64 bits, not negative',
    )
    expect(() => parseInteger64('n', '9223372036854775808', { signed: true })).toThrow('of 64 bits, got')
    expect(() => parseInteger64('n', '-1', { signed: false })).toThrow('not negative')
  })
})

describe('parseSignal()', () => {
  it.each([
    ['TERM', 15],
    ['SIGKILL', 9],
    ['sigusr1', 10],
    ['0', 0],
    ['15', 15],
    ['RTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['rtmax-1', 63],
    ['64', 64],
  ])('%s is %d', (text, signal) => {
    expect(parseSignal(text)).toBe(signal)
  })

  it.each(['', 'NOSUCH', '65', '-9', 'RTMIN+31', 'RTMAX+1', '__proto__', 'CONSTRUCTOR', '9 ', '1e1'])(
    'refuses %j',
    (text) => {
      expect(() => parseSignal(text)).toThrow(`unknown signal "${text}"`)
    },
  )
})
