import { describe, expect, it } from '@jest/globals'
import { storageOf } from './storage.js'

describe('storageOf()', () => {
  it('reads sizes as Docker takes them', () => {
    expect(storageOf(undefined, 'HostConfig.StorageOpt')).toBeUndefined()
    expect(storageOf({}, 'HostConfig.StorageOpt')).toBeUndefined()
    const sizes = { '10G': 10 * 2 ** 30, '512mb': 2 ** 29, '1.5GiB': 1.5 * 2 ** 30, '4096': 4096, '1k': 1024 }
    for (const [size, bytes] of Object.entries(sizes))
      expect(storageOf({ size }, 'HostConfig.StorageOpt')).toEqual({ bytes, inodes: undefined })
    expect(storageOf({ inodes: '7' }, 'DriverOpts')).toEqual({ bytes: undefined, inodes: 7 })
  })

  it.each([
    { size: '0' },
    { size: '' },
    { size: '-1' },
    { size: '9999999P' },
    { inodes: '1.5' },
    { type: 'nfs' },
  ])('refuses %j, naming the member', (options: Record<string, string>) => {
    expect(() => storageOf(options, 'DriverOpts')).toThrow('DriverOpts')
  })
})
