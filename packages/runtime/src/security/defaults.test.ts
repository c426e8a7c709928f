import { describe, expect, it } from '@jest/globals'
import { defaultDeviceRules, defaultDevices } from './default-devices.js'
import { defaultMounts } from './default-mounts.js'
import { defaultMaskedPaths, maskedPaths } from './hidden-paths.js'

describe('maskedPaths()', () => {
  it('adds a folder for each possible CPU', () => {
    const folder = (cpu: number) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`
    expect(maskedPaths('')).toEqual(defaultMaskedPaths)
    expect(maskedPaths('0\n')).toEqual([...defaultMaskedPaths, folder(0)])
    expect(maskedPaths('0-2,8\n')).toEqual([...defaultMaskedPaths, ...[0, 1, 2, 8].map(folder)])
  })

  it('is bounded, whatever the text', () => {
    expect(maskedPaths('0-9999,0-9999').length).toBe(defaultMaskedPaths.length + 8192)
    expect(maskedPaths('0-99999999999,-1,x,../..')).toEqual(defaultMaskedPaths)
    expect(maskedPaths('5-1')).toEqual(defaultMaskedPaths)
  })
})

describe('defaultMounts()', () => {
  it('gives /dev/shm its size', () => {
    const shm = (size?: number) =>
      defaultMounts(size).find(({ destination }) => destination === '/dev/shm')?.options
    expect(shm()).toContain('size=67108864')
    expect(shm(1024)).toContain('size=1024')
  })

  it('mounts what others are mounted on first', () => {
    const order = defaultMounts().map(({ destination }) => destination)
    for (const path of order) {
      const parents = order.filter((other) => path.startsWith(`${other}/`))
      for (const parent of parents) expect(order.indexOf(parent)).toBeLessThan(order.indexOf(path))
    }
  })
})

describe('defaultDeviceRules', () => {
  it('begin with nothing and allow every default device', () => {
    expect(defaultDeviceRules[0]).toMatchObject({ allow: false, type: 'a' })
    for (const { major, minor } of defaultDevices) {
      expect(defaultDeviceRules).toContainEqual({ allow: true, type: 'c', major, minor, access: 'rwm' })
    }
  })
})
