import { describe, expect, it } from '@jest/globals'
import { parseDuration } from './parse-duration.js'

describe('parseDuration()', () => {
  it.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text, '--stop-timeout')).toBe(ms)
  })

  it.each(['', '5', 's', '-1s', '1s 2s', '1x', '1h30'])('refuses %j', (text) => {
    expect(() => parseDuration(text, '--stop-timeout')).toThrow(
      expect.objectContaining({ code: 'ERR_CLI_USAGE', exitCode: 125 }),
    )
  })
})
