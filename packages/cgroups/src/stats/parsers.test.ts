import { describe, expect, it } from '@jest/globals'
import { parseAmount, parseLimit } from './parse-amount.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { parseCounters } from './parse-counters.js'
import { parseBlkio, parseIoStat, sumOf } from './parse-io.js'
import { parsePressure } from './pressure.js'

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
    expect(Object.entries(counters)).toEqual([
      ['cache', 12],
      ['hierarchical_memory_limit', 'max'],
      ['__proto__', 1],
    ])
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
      '8:0 rbytes=1 wbytes=7 rios=1 wios=4 dbytes=9 dios=9\n8:16 rbytes=4 wbytes=0 rios=2 wios=0\n7:0 \n',
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
  })
})
