import { describe, expect, it } from '@jest/globals'
import { ContainerIds } from './container-ids.js'

const map = [
  { inside: 1000, outside: 5000, size: 10 },
  { inside: 0, outside: 100_000, size: 5 },
]

describe('ContainerIds', () => {
  const ids = new ContainerIds({ uid: map, gid: map }, { remedy: 'map more' })

  it('knows whose the ids are on the host', () => {
    expect(ids.outside({ uid: 0, gid: 1009 })).toEqual({ uid: 100_000, gid: 5009 })
    expect(ids.outside({ uid: 5, gid: 0 })).toBeUndefined()
    expect(ids.outside({ uid: 1010, gid: 0 })).toBeUndefined()
  })

  it('knows which groups there are', () => {
    expect(ids.lastGroup).toBe(4)
    expect(ids.hasTerminalGroup).toBe(false)
  })

  it('refuses users and groups that there are not', () => {
    const user = { uid: 1000, gid: 4, groups: [1001] }
    expect(ids.userInside(user)).toEqual(user)
    expect(() => ids.userInside({ ...user, groups: [5] })).toThrow(
      'cannot run as group 5: that id is not mapped; map more',
    )
    expect(() => ids.userInside({ ...user, uid: 7 })).toThrow('cannot run as user 7')
  })

  it('has no additional groups where there is only one id', () => {
    const one = [{ inside: 0, outside: 1000, size: 1 }]
    const limited = new ContainerIds({ uid: one, gid: one }, { limited: 'why', remedy: '' })
    expect(limited.userInside({ uid: 0, gid: 0, groups: [44] })).toEqual({ uid: 0, gid: 0 })
    expect(() => limited.userInside({ uid: 1, gid: 0 })).toThrow('not mapped; why')
  })
})
