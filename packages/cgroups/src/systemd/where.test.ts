import { describe, expect, it } from '@jest/globals'
import { isSystemdInit } from '../host/default-driver.js'
import { findManager, isOrdinaryUser } from './where.js'

describe('findManager()', () => {
  const onThisHost = isSystemdInit() ? it.skip : it

  onThisHost('says that there is no systemd, before anything else (skipped on hosts of systemd)', () => {
    for (const user of [true, false])
      expect(() => findManager(user, {})).toThrow(
        expect.objectContaining({
          code: 'ERR_CGROUP_UNSUPPORTED',
          message: expect.stringContaining('systemd is not the init process of this host'),
        }),
      )
  })
})

describe('isOrdinaryUser()', () => {
  it('is true for all but root', () => {
    expect(isOrdinaryUser({})).toBe(process.geteuid?.() !== 0)
  })
})
