import { describe, expect, it } from '@jest/globals'
import { parseCpuList } from './parse-cpu-list.js'

describe('parseCpuList()', () => {
  it.each([
    ['', []],
    ['\n', []],
    ['0', [0]],
    ['0-3,7\n', [0, 1, 2, 3, 7]],
    ['7,1-2,2', [1, 2, 7]],
  ])('reads %j', (text, numbers) => {
    expect(parseCpuList(text)).toEqual(numbers)
  })

  it.each(['a', '3-1', '1,', ',1', '-1', '0-999999', '1-2-3', '0 1', '65536'])('refuses %j', (text) => {
    expect(() => parseCpuList(text)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
  })
})
