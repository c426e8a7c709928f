import { describe, expect, it } from '@jest/globals'
import { nextDelay, wantsRestart, wantsRestartAtBoot } from './restart-policy.js'

const policy = (Name: string, MaximumRetryCount = 0) => ({ RestartPolicy: { Name, MaximumRetryCount } })
const failed = { exitCode: 1, stopped: false, restarts: 2 }

describe('restart policies', () => {
  it.each([
    ['no', failed, false],
    ['always', failed, true],
    ['always', { ...failed, exitCode: 0 }, true],
    ['always', { ...failed, stopped: true }, false],
    ['unless-stopped', failed, true],
    ['on-failure', failed, true],
    ['on-failure', { ...failed, exitCode: 0 }, false],
  ])('%s after %j: %s', (name, run, expected) => {
    expect(wantsRestart(policy(name), run)).toBe(expected)
  })

  it('gives up after as many failures as it may have', () => {
    expect(wantsRestart(policy('on-failure', 2), failed)).toBe(false)
    expect(wantsRestart(policy('on-failure', 3), failed)).toBe(true)
  })

  it('starts at boot what was not stopped', () => {
    expect(wantsRestartAtBoot(policy('always'), true)).toBe(true)
    expect(wantsRestartAtBoot(policy('unless-stopped'), true)).toBe(false)
    expect(wantsRestartAtBoot(policy('unless-stopped'), false)).toBe(true)
    expect(wantsRestartAtBoot(policy('on-failure'), false)).toBe(false)
  })

  it('waits twice as long each time, a minute at most, and less after a good run', () => {
    expect(nextDelay(0, 0)).toBe(100)
    expect(nextDelay(100, 5)).toBe(200)
    expect(nextDelay(50_000, 5)).toBe(60_000)
    expect(nextDelay(50_000, 10_000)).toBe(100)
  })
})
