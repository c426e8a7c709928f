import { describe, expect, it } from '@jest/globals'
import { parseAmount, parseLimit } from './parse-amount.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { parseCounters } from './parse-counters.js'
import { parseBlkio, parseIoStat, sumOf } from './parse-io.js'
import { parsePressure } from './pressure.js'
import { wholeNumber } from './whole-number.js'

describe('parseFlatKeyed()', () => {
  it('reads names and numbers and passes over the rest', () => {
    expect([...parseFlatKeyed('usage_usec 12\nsome avg10=0.00 total=0\nuser_usec 7\n\n')]).toEqual([
      ['usage_usec', 12],
      ['user_usec', 7],
    ])
  })
})

describe('parseAmount() and parseLimit()', () => {
  it('read numbers and every way to say max', () => {
    expect(parseAmount('42\n', 'f')).toBe(42)
    expect(['4096\n', 'max\n', '-1\n', '9223372036854771712\n'].map((text) => parseLimit(text, 'f'))).toEqual(
      [4096, 'max', 'max', 'max'],
    )
  })

  it('quote what is not a number', () => {
    expect(() => parseAmount('1 2\n', '/x/pids.current')).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_PARSE',
        message: 'cannot read /x/pids.current: one number was expected, got "1 2"',
      }),
    )
  })
})

describe('parseCounters()', () => {
  it('reads names and numbers, and limits that are none', () => {
    const counters = parseCounters(
      'cache 12\nhierarchical_memory_limit 9223372036854771712\n__proto__ 1\nodd\n',
    )
    expect(Object.entries(counters.all())).toEqual([
      ['cache', 12],
      ['hierarchical_memory_limit', 'max'],
      ['__proto__', 1],
    ])
    expect(counters.get('cache')).toBe(12)
    expect(counters.get('hierarchical_memory_limit')).toBeUndefined()
    expect(counters.get('constructor')).toBeUndefined()
  })

  it('reads files with the same names, more, fewer and others', () => {
    const texts = ['a 1\nb 2\n', 'a 3\nb 4', 'a 5\nb 6\nc 7\n', 'a 8\n', 'ab 9\nb 10\n', '', 'a -\nb 2\n']
    expect(texts.map((text) => parseCounters(text).all())).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
      { a: 5, b: 6, c: 7 },
      { a: 8 },
      { ab: 9, b: 10 },
      {},
      { b: 2 },
    ])
  })
})

describe('wholeNumber()', () => {
  it('reads a part of a text, exactly', () => {
    expect(wholeNumber('x 120 y', 2, 5)).toBe(120)
    expect(wholeNumber('18446744073709551615', 0, 20)).toBe(Number('18446744073709551615'))
  })

  it('takes nothing but digits', () => {
    for (const text of ['', '-1', '1.5', '1e3', '0x1', ' 1', 'max', '1\n'])
      expect(wholeNumber(text, 0, text.length)).toBeNaN()
  })
})

describe('parsePressure()', () => {
  it('reads both kinds, one, or none', () => {
    const line = 'avg10=0.10 avg60=0.20 avg300=0.30 total=4\n'
    const figures = { avg10: 0.1, avg60: 0.2, avg300: 0.3, totalUsec: 4 }
    expect(parsePressure(`some ${line}full ${line}`)).toEqual({ some: figures, full: figures })
    expect(parsePressure(`some ${line}`)).toEqual({ some: figures, full: undefined })
    expect(parsePressure('')).toBeUndefined()
  })
})

describe('parseIoStat() and parseBlkio()', () => {
  const sum = { readBytes: 5, writeBytes: 7, readOps: 3, writeOps: 4 }
  it('read devices of v2', () => {
    const devices = parseIoStat(
      '8:0 rbytes=1 wbytes=7 rios=1 wios=4 dbytes=9 dios=9\n8:16 rbytes=4 wbytes=0 rios=2 wios=0\n7:0 \n8:32 cost.usage=3\n',
    )
    expect(devices).toHaveLength(2)
    expect(sumOf(devices)).toEqual({ ...sum, discardBytes: 9, discardOps: 9 })
  })
  it('read devices of v1', () => {
    const devices = parseBlkio(
      '8:0 Read 1\n8:0 Write 7\n8:0 Sync 8\n8:0 Total 8\n8:16 Read 4\nTotal 12\n',
      '8:0 Read 3\n8:0 Write 4\nTotal 7\n',
    )
    expect(sumOf(devices)).toEqual({ ...sum, discardBytes: 0, discardOps: 0 })
    expect(devices.map(({ major, minor, waitedFor }) => [major, minor, waitedFor?.syncBytes])).toEqual([
      [8, 0, 8],
      [8, 16, 0],
    ])
  })
})
