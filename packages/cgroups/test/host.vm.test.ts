import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { detectHierarchy } from '../src/index.js'

leakCheck()

describeOn(['root', 'cgroup2'], 'detectHierarchy() on Linux 6.12', () => {
  it('finds the unified hierarchy with the controllers that this kernel has', () => {
    expect(readFileSync('/proc/sys/kernel/osrelease', 'utf8')).toMatch(/^6\.12\./)
    const { mode, mounts, controllers } = detectHierarchy()
    expect(mode).toBe('v2')
    expect(mounts).toHaveLength(1)
    expect([...controllers.keys()].sort()).toEqual([
      'cpu',
      'cpuset',
      'hugetlb',
      'io',
      'memory',
      'misc',
      'pids',
      'rdma',
    ])
  })
})
