import { describe, expect, it } from '@jest/globals'
import { checkEnv, checkRunOptions } from './check-options.js'
import type { RunOptions } from './options.js'

function messageOf(work: () => void): string {
  try {
    work()
  } catch (error) {
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'ERR_RUNTIME_INVALID_ARG' })
    return (error as Error).message
  }
  return 'accepted'
}

const check = (options: RunOptions): string => messageOf(() => checkRunOptions(options))
const image = 'busybox'

describe('checkRunOptions()', () => {
  it('takes what can be', () => {
    expect(check({ image })).toBe('accepted')
    expect(check({ rootfs: '/', cwd: '/tmp', network: 'none', terminal: true })).toBe('accepted')
    expect(check({ image, detach: true, stdout: 'log', stderr: 'ignore', stdin: 3, terminal: false })).toBe(
      'accepted',
    )
    expect(check({ image, name: 'a', publish: [{ container: 80 }], network: 'bridge' })).toBe('accepted')
    expect(check({ image, volumes: [{ source: '/', target: '/host/./..hidden/' }] })).toBe('accepted')
  })

  it('wants exactly one of image and rootfs', () => {
    expect(check({})).toBe('cannot run a container: exactly one of image and rootfs is needed, got neither')
    expect(check({ image, rootfs: '/' })).toMatch(/got both$/)
  })

  it('wants absolute paths', () => {
    expect(check({ rootfs: 'folder' })).toMatch(/^cannot use the root file system folder: /)
    expect(check({ rootfs: '' })).toMatch(/its path is not absolute$/)
    expect(check({ image, cwd: 'tmp' })).toBe('cannot work in tmp: the path is not absolute')
    expect(check({ image, volumes: [{ source: 'data', target: '/data' }] })).toMatch(
      /the path on the host is not absolute$/,
    )
    expect(check({ image, volumes: [{ source: '/data', target: 'data' }] })).toMatch(
      /must be absolute, without ".."$/,
    )
  })

  it.each(['/', '//', '/.', '/./'])('mounts no volume over the root: %s', (target) => {
    expect(check({ image, volumes: [{ source: '/data', target }] })).toMatch(/use rootfs for that$/)
  })

  it.each(['/a/../b', '/..', '/a/..'])('lets no volume climb: %s', (target) => {
    expect(check({ image, volumes: [{ source: '/data', target }] })).toMatch(/without ".."$/)
  })

  it.each(['', '.hidden', '-x', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(129)])('refuses the name %j', (name) => {
    expect(check({ image, name })).toMatch(/^cannot name a container /)
  })

  it('publishes ports on networks that have them, and knows its networks', () => {
    expect(check({ image, network: 'host', publish: [{ container: 80 }] })).toBe(
      'cannot publish ports on network host: only networks with a bridge and pasta have them',
    )
    expect(check({ image, network: [] })).toBe('cannot use no network: say none')
  })

  it('detaches nothing that needs this process', () => {
    expect(check({ image, detach: true, stdout: 'pipe' })).toMatch(/^cannot detach a container whose streams/)
    expect(check({ image, detach: true, stdin: 'inherit' })).toMatch(
      /^cannot detach a container whose streams/,
    )
    expect(check({ image, detach: true, terminal: { rows: 24, columns: 80 } })).toBe('accepted')
  })
})

describe('checkEnv()', () => {
  it('takes any value, an empty one too', () => {
    expect(messageOf(() => checkEnv({ A: '', B: 'x=y\nz', 'a b': 'c' }))).toBe('accepted')
  })

  it.each([
    ['', 'x'],
    ['A=B', 'x'],
    ['A\0', 'x'],
    ['A', 'x\0y'],
  ])('refuses %j with the value %j', (name, value) => {
    expect(messageOf(() => checkEnv({ [name]: value }))).toMatch(/^cannot set the variable /)
  })
})
