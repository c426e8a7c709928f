import { describe, expect, it } from '@jest/globals'
import { checkUnitName, expandSlice } from './slice.js'

describe('expandSlice()', () => {
  it.each([
    ['system.slice', '/system.slice'],
    ['a-b-c.slice', '/a.slice/a-b.slice/a-b-c.slice'],
    [
      'kubepods-burstable-pod1_2.slice',
      '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice',
    ],
    ['-.slice', '/'],
  ])('finds %s', (slice, path) => {
    expect(expandSlice(slice)).toBe(path)
  })

  it.each([
    '',
    '.slice',
    'a',
    'a.scope',
    'a--b.slice',
    '-a.slice',
    'a-.slice',
    'a/b.slice',
    '../a.slice',
    'a b.slice',
    "a'.slice",
    `${'a'.repeat(255)}.slice`,
  ])('refuses %j', (slice) => {
    expect(() => expandSlice(slice)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
  })
})

describe('checkUnitName()', () => {
  it('takes what systemd takes', () => {
    expect(() => {
      checkUnitName('libpod-0_1:2\\x2d.scope', 'scope')
    }).not.toThrow()
    for (const bad of ['a.slice', '.scope', 'a\0.scope', 'a+b.scope', "a',arg2='b.scope"])
      expect(() => {
        checkUnitName(bad, 'scope')
      }).toThrow(/as a unit of systemd/)
  })
})
