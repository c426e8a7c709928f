import { describe, expect, it } from '@jest/globals'
import { checkCgroupParent } from './cgroup-parent.js'

const root = { rootless: undefined, cgroupDriver: 'cgroupfs', groupPath: '/ctrjs' } as const

describe('checkCgroupParent()', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['a', '/a'],
    ['//a/./b//', '/a/b'],
    ['/ctrjs', '/ctrjs'],
    ['/ctrjs2/x', '/ctrjs2/x'],
    ['/a..b', '/a..b'],
  ])('reads %s', (text, path) => {
    expect(checkCgroupParent(text, root)).toBe(path)
  })

  it.each([
    ['', 'it is the top'],
    ['/', 'it is the top'],
    ['/./', 'it is the top'],
    ['..', 'without ".."'],
    ['/a/../..', 'without ".."'],
    ['/a/..', 'without ".."'],
    ['/a\0b', 'NUL'],
    ['/a\nb', 'line breaks'],
    [`/${'ä'.repeat(128)}`, 'at most 255 bytes'],
    ['/a'.repeat(2000), 'at most 2048'],
    [`/ctrjs/${'0'.repeat(64)}`, 'that of a container'],
  ])('refuses %j', (text, why) => {
    expect(() => checkCgroupParent(text, root)).toThrow(why)
  })

  it('refuses where others make the cgroups', () => {
    expect(() => checkCgroupParent('/a', { ...root, rootless: {} })).toThrow('it needs root')
    expect(() => checkCgroupParent('/a', { ...root, cgroupDriver: 'systemd' })).toThrow('systemd makes')
  })
})
