import { describe, expect, it } from '@jest/globals'
import { formatAgo, formatDuration, formatMemory, formatSize } from './humanize.js'

const day = 86_400

describe('formatDuration()', () => {
  it.each([
    [0, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [120, '2 minutes'],
    [3600, 'About an hour'],
    [47 * 3600, '47 hours'],
    [2 * day, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [59 * day, '8 weeks'],
    [60 * day, '2 months'],
    [729 * day, '24 months'],
    [730 * day, '2 years'],
  ])('says %d s as %s', (seconds, text) => {
    expect(formatDuration(seconds * 1000)).toBe(text)
  })
})

describe('formatAgo()', () => {
  it('counts from a date, and knows when there is none', () => {
    expect(formatAgo('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:05:00Z'))).toBe('5 minutes ago')
    expect(formatAgo(undefined)).toBe('N/A')
  })
})

describe('formatSize() and formatMemory()', () => {
  it('use powers of 1000 and of 1024', () => {
    expect([0, 999, 1000, 4_261_550, 1.5e9].map(formatSize)).toEqual(['0B', '999B', '1kB', '4.26MB', '1.5GB'])
    expect([0, 1023, 2048, 65_462_272].map(formatMemory)).toEqual(['0B', '1023B', '2KiB', '62.43MiB'])
  })
})
