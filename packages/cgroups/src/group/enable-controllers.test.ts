import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { enableControllers } from './enable-controllers.js'

function enable(controllers: string, enabled: string, required: string[]): string {
  using folder = temporaryFolder('ctr-cgroups-')
  writeFileSync(`${folder.path}/cgroup.controllers`, controllers)
  writeFileSync(`${folder.path}/cgroup.subtree_control`, enabled)
  enableControllers(folder.path, required)
  return readFileSync(`${folder.path}/cgroup.subtree_control`, 'utf8')
}

describe('enableControllers()', () => {
  it('asks for those that the package uses and that are not enabled, in one write', () => {
    expect(enable('cpuset cpu io memory hugetlb pids rdma dmem\n', 'cpu\n', ['memory'])).toBe(
      '+cpuset +io +memory +hugetlb +pids +rdma',
    )
  })

  it('writes nothing when all are enabled', () => {
    expect(enable('cpu memory dmem\n', 'cpu memory\n', ['cpu'])).toBe('cpu memory\n')
  })

  it('does not even look at what the group has when all that are used are enabled', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    writeFileSync(`${folder.path}/cgroup.subtree_control`, 'cpu memory pids\n')
    enableControllers(folder.path, ['pids'], ['cpu', 'memory'])
    expect(readFileSync(`${folder.path}/cgroup.subtree_control`, 'utf8')).toBe('cpu memory pids\n')
    expect(() => enableControllers(folder.path, ['io'], ['cpu'])).toThrow(/cgroup\.controllers/)
  })

  it('names what the group does not have', () => {
    expect(() => enable('cpu\n', '', ['memory', 'cpu', 'pids'])).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_NO_CONTROLLER',
        message: expect.stringMatching(/^cannot limit memory, pids below .*: the group has only cpu$/),
      }),
    )
  })
})
