import { describe, expect, it } from '@jest/globals'
import { defaultCgroupDriver, isSystemdInit } from './default-driver.js'

describe('defaultCgroupDriver()', () => {
  it('is ours on v1 and hybrid hosts', () => {
    expect(defaultCgroupDriver({ mode: 'v1' })).toBe('cgroupfs')
    expect(defaultCgroupDriver({ mode: 'hybrid' })).toBe('cgroupfs')
  })

  const elsewhere = isSystemdInit() ? it.skip : it
  elsewhere('is ours where systemd is not the init process (skipped on hosts of systemd)', () => {
    expect(defaultCgroupDriver({ mode: 'v2' })).toBe('cgroupfs')
  })
})
