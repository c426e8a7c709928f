import { describe, expect, it } from '@jest/globals'
import { parseStorage } from './parse-storage.js'

describe('parseStorage()', () => {
  it('reads sizes as Docker writes them, and numbers of files', () => {
    expect(parseStorage({}, '--storage-opt')).toBeUndefined()
    expect(parseStorage({ size: '10G' }, '--storage-opt')).toEqual({ bytes: 10 * 2 ** 30, inodes: undefined })
    expect(parseStorage({ inodes: '500', size: '1m' }, '-o, --opt')).toEqual({ bytes: 2 ** 20, inodes: 500 })
  })

  it.each([
    { size: '' },
    { size: '0' },
    { size: '-1' },
    { inodes: '0' },
    { inodes: '1.5' },
    { inodes: 'x' },
    { 'dm.basesize': '1g' },
  ])('refuses %j', (options: Record<string, string>) => {
    expect(() => parseStorage(options, '--storage-opt')).toThrow('--storage-opt')
  })
})
