import { describe, expect, it } from '@jest/globals'
import { healthCheckOf, mergeHealthcheck } from './health-check.js'
import { withResult, type HealthState, type ProbeResult } from './health-state.js'

describe('mergeHealthcheck()', () => {
  const ofImage = { Test: ['CMD', 'a'], Interval: 5_000_000, Retries: 4 }

  it('takes of the image what is not said', () => {
    expect(mergeHealthcheck(undefined, undefined)).toBe(null)
    expect(mergeHealthcheck(null, ofImage)).toEqual(ofImage)
    expect(mergeHealthcheck({ Test: [], Interval: 0, Retries: 2, Timeout: null }, ofImage)).toEqual({
      ...ofImage,
      Retries: 2,
    })
    expect(mergeHealthcheck({ Test: ['NONE'] }, ofImage)?.Test).toEqual(['NONE'])
  })

  it.each([
    [{ Test: ['CMD'] }, 'Healthcheck.Test'],
    [{ Test: ['CMD-SHELL', 'a', 'b'] }, 'Healthcheck.Test'],
    [{ Test: ['BASH', 'a'] }, 'Healthcheck.Test'],
    [{ Test: ['CMD', 'a'], Interval: 999 }, 'Healthcheck.Interval'],
    [{ Test: ['CMD', 'a'], StartPeriod: -1 }, 'Healthcheck.StartPeriod'],
    [{ Test: ['CMD', 'a'], Retries: -1 }, 'Healthcheck.Retries'],
  ])('refuses %j', (asked, said) => {
    expect(() => mergeHealthcheck(asked, undefined)).toThrow(said)
  })
})

describe('healthCheckOf()', () => {
  it("has Docker's defaults, and the image's shell", () => {
    expect(healthCheckOf({ Test: ['CMD-SHELL', 'x y'], Timeout: 2_000_000 }, ['/bin/ash', '-ec'])).toEqual({
      ...{ command: ['/bin/ash', '-ec', 'x y'], intervalMs: 30_000, timeoutMs: 2, startPeriodMs: 0 },
      ...{ startIntervalMs: 5000, retries: 3 },
    })
    expect(healthCheckOf({ Test: ['CMD', 'a', 'b'] })?.command).toEqual(['a', 'b'])
    expect(healthCheckOf({ Test: ['NONE'] })).toBe(undefined)
    expect(healthCheckOf(null)).toBe(undefined)
  })
})

describe('withResult()', () => {
  const result = (ExitCode: number): ProbeResult => ({ Start: '', End: '', ExitCode, Output: '' })
  const follow = (codes: readonly number[], inStartPeriod = false): HealthState =>
    codes.reduce<HealthState>(
      (state, code) => withResult(state, result(code), { retries: 2, inStartPeriod }),
      {
        status: 'starting',
        failingStreak: 0,
        log: [],
      },
    )

  it('counts failures in a row, and keeps the last five', () => {
    expect(follow([1])).toMatchObject({ status: 'starting', failingStreak: 1 })
    expect(follow([0, 1])).toMatchObject({ status: 'healthy', failingStreak: 1 })
    expect(follow([0, 1, 1, 1])).toMatchObject({ status: 'unhealthy', failingStreak: 3 })
    expect(follow([1, 1, 0])).toMatchObject({ status: 'healthy', failingStreak: 0 })
    expect(follow([1, 2, 3, 4, 5, 6]).log.map(({ ExitCode }) => ExitCode)).toEqual([2, 3, 4, 5, 6])
  })

  it('counts none of the start, before the first success', () => {
    expect(follow([1, 1, 1], true)).toMatchObject({ status: 'starting', failingStreak: 0 })
    expect(follow([0, 1, 1], true)).toMatchObject({ status: 'unhealthy', failingStreak: 2 })
  })
})
