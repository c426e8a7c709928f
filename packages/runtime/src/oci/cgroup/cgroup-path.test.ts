import { describe, expect, it } from '@jest/globals'
import type { Hierarchy, HierarchyMount } from '@ctr/cgroups'
import { cgroupPathOf, systemdScopeOf } from './cgroup-path.js'
import { eventText } from './event-text.js'

const mount = (version: 1 | 2, controllers: string[], ownPath: string): HierarchyMount => ({
  version,
  controllers,
  name: undefined,
  mountpoint: `/cg/${controllers.join()}`,
  ownPath,
})
const host = (mode: Hierarchy['mode'], ...mounts: HierarchyMount[]): Hierarchy => ({
  mode,
  mounts,
  controllers: new Map(),
})
const v1 = host('v1', mount(1, ['memory'], '/own/mem'), mount(1, ['cpu', 'cpuacct'], '/'))
const v2 = host('v2', mount(2, ['memory'], '/user.slice/session.scope'))

describe('cgroupPathOf()', () => {
  it('takes a path from the root as it is, and lets it not lead out', () => {
    expect(cgroupPathOf('/pod/box', 'id', v1)).toBe('/pod/box')
    expect(cgroupPathOf('/../../pod//./box/', 'id', v1)).toBe('/pod/box')
  })

  it('puts others below the own cgroup, on v2 beside it', () => {
    expect(cgroupPathOf('pod/box', 'id', v1)).toEqual({
      memory: '/own/mem/pod/box',
      'cpu,cpuacct': '/pod/box',
    })
    expect(cgroupPathOf(undefined, 'id', v1)).toEqual({ memory: '/own/mem/id', 'cpu,cpuacct': '/id' })
    expect(cgroupPathOf('', 'id', v2)).toEqual({ unified: '/user.slice/id' })
    expect(cgroupPathOf('../../../etc', 'id', v1)).toMatchObject({ memory: '/own/mem/etc' })
  })

  it('refuses the root and names that no cgroup has', () => {
    for (const path of ['/', '/..', '..', './'])
      expect(() => cgroupPathOf(path, 'id', v1)).toThrow(
        expect.objectContaining({ code: 'ERR_RUNTIME_CONFIG' }),
      )
    expect(() => cgroupPathOf(`a/${'x'.repeat(300)}`, 'id', v1)).toThrow(/255 bytes/)
  })
})

describe('systemdScopeOf()', () => {
  it('reads slice:prefix:name', () => {
    expect(systemdScopeOf('system.slice:docker:1234', 'id')).toEqual({
      slice: 'system.slice',
      prefix: 'docker',
      name: '1234',
    })
    expect(systemdScopeOf('', 'id')).toEqual({ slice: '', prefix: 'ctr', name: 'id' })
    for (const bad of ['/pod/box', 'a:b', 'a:b:c:d', 'a:b:'])
      expect(() => systemdScopeOf(bad, 'id')).toThrow(/slice:prefix:name/)
  })
})

describe('eventText()', () => {
  it('prints large numbers as they are, and nothing for what is not there', () => {
    const event = {
      type: 'stats',
      id: 'x"y',
      data: { limit: 18_446_744_073_709_551_615n, none: undefined, list: [1, null] },
    }
    expect(eventText(event)).toBe(
      '{"type":"stats","id":"x\\"y","data":{"limit":18446744073709551615,"list":[1,null]}}',
    )
  })
})
