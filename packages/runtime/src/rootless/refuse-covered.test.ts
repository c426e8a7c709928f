import { describe, expect, it } from '@jest/globals'
import { refuseCovered } from './refuse-covered.js'

const mountinfo = [
  '21 1 0:2 / / rw - ext4 /dev/root rw',
  '22 21 0:3 / /proc rw - proc proc rw',
  '23 21 0:4 / /srv/with\\040blank rw - tmpfs tmpfs rw',
  '',
].join('\n')

describe('refuseCovered()', () => {
  it('names what is mounted below a folder', () => {
    expect(() => refuseCovered(['/'], mountinfo)).toThrow('as /proc is mounted below it')
    expect(() => refuseCovered(['/usr', '/srv'], mountinfo)).toThrow('as /srv/with blank is mounted')
  })

  it('takes folders without, and mount points themselves', () => {
    refuseCovered(['/usr', '/proc', '/sr'], mountinfo)
  })
})
