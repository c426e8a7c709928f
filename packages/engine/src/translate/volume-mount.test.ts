import { expect, it } from '@jest/globals'
import { optionsOf, volumeMount } from './volume-mount.js'

it('shows the options that a volume was made with', () => {
  const given = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }
  expect(optionsOf(volumeMount(given))).toEqual(given)
  expect(optionsOf(undefined, { bytes: 1024, inodes: 10 })).toEqual({ size: '1024', inodes: '10' })
  expect(optionsOf(undefined, { bytes: 1024 })).toEqual({ size: '1024' })
  expect(optionsOf(undefined)).toBeNull()
})
