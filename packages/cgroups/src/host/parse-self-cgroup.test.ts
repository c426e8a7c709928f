import { describe, expect, it } from '@jest/globals'
import { parseSelfCgroup } from './parse-self-cgroup.js'

describe('parseSelfCgroup()', () => {
  it('reads v1, named and v2 lines, colons in paths, and passes over the rest', () => {
    expect(
      parseSelfCgroup('12:cpu,cpuacct:/a:b\n1:name=systemd:/init.scope\n0::/../x\nnonsense\n\n'),
    ).toEqual([
      { version: 1, controllers: ['cpu', 'cpuacct'], path: '/a:b' },
      { version: 1, controllers: ['name=systemd'], path: '/init.scope' },
      { version: 2, controllers: [], path: '/../x' },
    ])
  })
})
