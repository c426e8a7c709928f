import { describe, expect, it } from '@jest/globals'
import { CgroupError } from '@ctr/cgroups'
import { unlessRemoved } from './cgroups.js'

describe('unlessRemoved()', () => {
  it.each(['ENOENT', 'ENODEV'])('takes %s for the end of the cgroup, and nothing else', (errno) => {
    const failing = (name: string) => (): unknown => {
      throw new CgroupError('ERR_CGROUP_IO', 'cannot read it', { errno: name })
    }
    expect(unlessRemoved(() => 5)).toBe(5)
    expect(unlessRemoved<unknown>(failing(errno))).toBeUndefined()
    expect(() => {
      unlessRemoved(failing('EIO'))
    }).toThrow('cannot read it')
  })
})
