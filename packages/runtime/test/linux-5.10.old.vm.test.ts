import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { detectHierarchy } from '@ctr/cgroups'
import { describeOn, leakCheck } from '@ctr/testing'

leakCheck()

describeOn(['root', 'cgroup2'], 'Linux 5.10', () => {
  it('is what this runs on, with the controllers that it has', () => {
    expect(readFileSync('/proc/sys/kernel/osrelease', 'utf8')).toMatch(/^5\.10\./)
    const { mode, mounts, controllers } = detectHierarchy()
    expect([mode, mounts.length]).toEqual(['v2', 1])
    expect([...controllers.keys()].sort().join(' ')).toBe('cpu cpuset hugetlb io memory pids rdma') // no misc yet
  })
})
