import { describe, expect, it } from '@jest/globals'
import { withMemberNames } from './member-names.js'
import { createBody, execBody } from './schemas/create-container.js'

describe('withMemberNames', () => {
  it('takes members in any case, the right one before others', () => {
    expect(withMemberNames(execBody, { Cmd: ['a'], detachKeys: 'ctrl-a' })).toEqual({
      Cmd: ['a'],
      DetachKeys: 'ctrl-a',
    })
    expect(withMemberNames(execBody, { detachkeys: 'x', DetachKeys: 'y', USER: 'z' })).toEqual({
      DetachKeys: 'y',
      User: 'z',
    })
  })

  it('goes down, and leaves names that are the client’s', () => {
    const body = {
      image: 'bb:1',
      Labels: { image: 'a', HOSTCONFIG: 'b' },
      hostConfig: { mounts: [{ type: 'volume', target: '/a' }], memory: null, other: { memory: 1 } },
    }
    expect(withMemberNames(createBody, body)).toEqual({
      Image: 'bb:1',
      Labels: { image: 'a', HOSTCONFIG: 'b' },
      HostConfig: { Mounts: [{ Type: 'volume', Target: '/a' }], Memory: null, other: { memory: 1 } },
    })
    expect(withMemberNames(createBody, 'text')).toBe('text')
  })
})
