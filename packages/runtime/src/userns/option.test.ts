import { describe, expect, it } from '@jest/globals'
import { checkUserNamespace, type UserNamespaceOption } from './option.js'

const root = [{ inside: 0, outside: 100_000, size: 10 }]

describe('checkUserNamespace()', () => {
  it.each<UserNamespaceOption>([
    'host',
    'auto',
    { size: 1 },
    { user: 'dockremap' },
    { user: '1000' },
    { uid: root, gid: root },
  ])('takes %j', (option) => {
    expect(() => {
      checkUserNamespace(option)
    }).not.toThrow()
  })

  it.each<[unknown, string]>([
    ['private', 'host and auto'],
    [{ size: 0 }, 'whole number'],
    [{ size: 1.5 }, 'whole number'],
    [{ size: 2 ** 32 }, 'whole number'],
    [{ user: 'a:b' }, 'no name'],
    [{ user: '' }, 'no name'],
    [{ uid: root, gid: [] }, '1 to 340 ranges'],
    [{ uid: [{ inside: 1, outside: 1, size: 1 }], gid: root }, 'none for root'],
    [{ uid: [...root, { inside: 5, outside: 7, size: 1 }], gid: root }, 'overlap'],
  ])('refuses %j', (option, why) => {
    expect(() => {
      checkUserNamespace(option as UserNamespaceOption)
    }).toThrow(why)
  })
})
