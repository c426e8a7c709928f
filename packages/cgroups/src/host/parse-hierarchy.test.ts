import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import type { Hierarchy } from './hierarchy.js'
import { parseHierarchy } from './parse-hierarchy.js'

function fixture(name: string, unifiedControllers = ''): Hierarchy | undefined {
  const read = (suffix: string) =>
    readFileSync(new URL(`../../test/fixtures/${name}.${suffix}`, import.meta.url), 'latin1')
  return parseHierarchy({
    mountinfo: read('mountinfo'),
    selfCgroup: read('cgroup'),
    unifiedControllers: () => unifiedControllers,
  })
}

const places = (hierarchy: Hierarchy | undefined) =>
  hierarchy &&
  Object.fromEntries(
    [...hierarchy.controllers].map(([name, { mountpoint, ownPath }]) => [name, [mountpoint, ownPath]]),
  )

describe('parseHierarchy()', () => {
  it('finds every v1 controller by itself and the empty unified hierarchy', () => {
    const hierarchy = fixture('hybrid-split')
    expect(hierarchy?.mode).toBe('hybrid')
    expect(places(hierarchy)).toEqual({
      pids: ['/sys/fs/cgroup/pids', '/'],
      blkio: ['/sys/fs/cgroup/blkio', '/'],
      freezer: ['/sys/fs/cgroup/freezer', '/'],
      devices: ['/sys/fs/cgroup/devices', '/'],
      memory: ['/sys/fs/cgroup/memory', '/app/one'],
      cpuset: ['/sys/fs/cgroup/cpuset', '/'],
      cpuacct: ['/sys/fs/cgroup/cpuacct', '/'],
      cpu: ['/sys/fs/cgroup/cpu', '/'],
    })
    expect(hierarchy?.mounts.at(0)).toEqual({
      version: 1,
      controllers: [],
      name: 'systemd',
      mountpoint: '/sys/fs/cgroup/systemd',
      ownPath: '/',
    })
    expect(hierarchy?.mounts.at(-1)).toEqual({
      version: 2,
      controllers: [],
      name: undefined,
      mountpoint: '/sys/fs/cgroup/unified',
      ownPath: '/',
    })
  })

  it('puts controllers that are mounted together in one hierarchy, and undoes octal escapes', () => {
    const hierarchy = fixture('v1-comounted')
    expect(hierarchy?.mode).toBe('v1')
    expect(hierarchy?.mounts).toHaveLength(4)
    expect(hierarchy?.controllers.get('cpu')).toBe(hierarchy?.controllers.get('cpuacct'))
    expect(places(hierarchy)).toEqual({
      net_prio: ['/sys/fs/cgroup/net_cls,net_prio', '/'],
      net_cls: ['/sys/fs/cgroup/net_cls,net_prio', '/'],
      memory: ['/mnt/my groups/memory\\x', '/user.slice/a:b'],
      cpu: ['/sys/fs/cgroup/cpu,cpuacct', '/user.slice'],
      cpuacct: ['/sys/fs/cgroup/cpu,cpuacct', '/user.slice'],
    })
  })

  it('takes the controllers of v2 from cgroup.controllers', () => {
    const hierarchy = fixture('v2', 'cpuset cpu io memory pids\n')
    expect(hierarchy?.mode).toBe('v2')
    expect([...hierarchy!.controllers.keys()]).toEqual(['cpuset', 'cpu', 'io', 'memory', 'pids'])
    expect(hierarchy?.mounts[0]?.ownPath).toBe('/user.slice/user-1000.slice/session-2.scope')
  })

  it('takes the mount that shows most, and knows when it does not show the own group', () => {
    const hierarchy = fixture('container-v1')
    expect(places(hierarchy)).toEqual({
      memory: ['/sys/fs/cgroup/memory', '/init'],
      pids: ['/sys/fs/cgroup/pids', undefined],
    })
  })

  it('is undefined when nothing is mounted', () => {
    const texts = {
      mountinfo: '25 1 8:1 / / rw - ext4 /dev/sda1 rw\n',
      selfCgroup: '0::/\n',
      unifiedControllers: () => '',
    }
    expect(parseHierarchy(texts)).toBeUndefined()
  })
})
