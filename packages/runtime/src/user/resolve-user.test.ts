import { describe, expect, it } from '@jest/globals'
import { resolveUser, type ResolveUserOptions } from './resolve-user.js'

const passwd = `
# comment:x:7:7
root:x:0:0:root:/root:/bin/sh
app:x:1000:100:App:/home/app:/bin/sh
app:x:2000:200::/second:/bin/sh
  indented:x:1001:101::/i:
1002:x:5:6::/digits:
nohome:x:1003:103
broken:x:zero:0::/:/bin/sh
empty:x:::/::
negative:x:-1:0::/:
huge:x:4294967296:0::/:
relative:x:1005:105::home:
`
const group = `
root:x:0:
users:x:100:
web:x:33:root,app
log:x:4:app
log:x:44:app
self:x:100:app
33:x:77:
nobody:x:65534
`
const files: ResolveUserOptions = { passwd, group }

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('resolveUser()', () => {
  it.each([
    ['app', { uid: 1000, gid: 100, additionalGids: [100, 33, 4, 44], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 100, additionalGids: [100, 33, 4, 44], home: '/home/app' }],
    ['', { uid: 0, gid: 0, additionalGids: [0, 33], home: '/root' }],
    ['root', { uid: 0, gid: 0, additionalGids: [0, 33], home: '/root' }],
    ['app:web', { uid: 1000, gid: 33, additionalGids: [33], home: '/home/app' }],
    ['app:33', { uid: 1000, gid: 33, additionalGids: [33], home: '/home/app' }],
    ['app:12345', { uid: 1000, gid: 12345, additionalGids: [12345], home: '/home/app' }],
    ['app:', { uid: 1000, gid: 100, additionalGids: [100, 33, 4, 44], home: '/home/app' }],
    [':web', { uid: 0, gid: 33, additionalGids: [33], home: '/root' }],
    ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/' }],
    ['4242:web', { uid: 4242, gid: 33, additionalGids: [33], home: '/' }],
    ['1002', { uid: 1002, gid: 0, additionalGids: [0], home: '/' }],
    ['indented', { uid: 1001, gid: 101, additionalGids: [101], home: '/i' }],
    ['nohome', { uid: 1003, gid: 103, additionalGids: [103], home: '/' }],
    ['app:web:more', { uid: 1000, gid: 33, additionalGids: [33], home: '/home/app' }],
    ['2147483647', { uid: 2147483647, gid: 0, additionalGids: [0], home: '/' }],
  ])('finds %j', (user, expected) => {
    expect(resolveUser(user, files)).toEqual(expected)
  })

  it('adds groups by name and number, each once', () => {
    const additionalGroups = ['web', 'log', '9', '100']
    expect(resolveUser('app:users', { ...files, additionalGroups }).additionalGids).toEqual([100, 33, 4, 9])
  })

  it.each([
    ['ghost', 'unable to find user ghost: no matching entries in passwd file'],
    ['app:ghosts', 'unable to find group ghosts: no matching entries in group file'],
    ['broken', 'unable to find user broken: no matching entries in passwd file'],
    ['empty', 'unable to find user empty: no matching entries in passwd file'],
    ['negative', 'unable to find user negative: no matching entries in passwd file'],
    ['huge', 'unable to find user huge: no matching entries in passwd file'],
    ['# comment', 'unable to find user # comment: no matching entries in passwd file'],
    ['a\nb', 'unable to find user a?b: no matching entries in passwd file'],
  ])('knows no %j', (user, message) => {
    expect(thrown(() => resolveUser(user, files))).toMatchObject({
      code: 'ERR_RUNTIME_USER_NOT_FOUND',
      message,
    })
  })

  it.each(['-1', '2147483648', '4294967295', '99999999999999999999', '0:-1', '0:2147483648'])(
    'refuses the id of %j',
    (user) => {
      expect(thrown(() => resolveUser(user, files))).toMatchObject({ code: 'ERR_RUNTIME_INVALID_ARG' })
    },
  )

  it('finds ids, and no names, without files', () => {
    const none = { passwd: '', group: '' }
    expect(resolveUser('', none)).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' })
    expect(resolveUser('1:2', none)).toEqual({ uid: 1, gid: 2, additionalGids: [2], home: '/' })
    expect(thrown(() => resolveUser('root', none))).toMatchObject({ code: 'ERR_RUNTIME_USER_NOT_FOUND' })
  })

  it('lets an entry without a name belong to nobody', () => {
    const odd = { passwd: ':x:5:5::/:\n', group: ':x:0:\nroot:x:0:,\n' }
    expect(resolveUser('5', odd).additionalGids).toEqual([5])
    expect(thrown(() => resolveUser('5', { ...odd, additionalGroups: [''] }))).toMatchObject({
      code: 'ERR_RUNTIME_USER_NOT_FOUND',
    })
  })

  it('skips endless lines and what lies beyond the bounds', () => {
    const long = `${'x'.repeat(2 ** 20 + 1)}:x:0:0::/:\n`
    expect(
      resolveUser('app', { passwd: long + passwd, group: `web:x:33:${'app,'.repeat(2 ** 18)}app\n` }),
    ).toMatchObject({ uid: 1000, additionalGids: [100] })
    const beyond = '#\n'.repeat(2 ** 23) + passwd
    expect(thrown(() => resolveUser('app', { passwd: beyond, group }))).toMatchObject({
      code: 'ERR_RUNTIME_USER_NOT_FOUND',
    })
  })

  it('takes no home with a NUL', () => {
    expect(resolveUser('a', { passwd: 'a:x:1:1::/home\0/a:\n', group: '' }).home).toBe('/')
  })

  it('refuses more groups than the kernel takes', () => {
    const many = Array.from({ length: 65_537 }, (_, gid) => `g${gid}:x:${gid}:app\n`).join('')
    expect(thrown(() => resolveUser('app', { passwd, group: many }))).toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
      message: 'cannot use user "app": at most 65536 groups, got 65537',
    })
  })
})
