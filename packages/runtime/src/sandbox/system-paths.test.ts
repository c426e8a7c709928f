import { describe, expect, it } from '@jest/globals'
import { checkSystemPaths, systemPathsOf } from './system-paths.js'

const host = { maskedPaths: [{ path: '/proc/kcore', kind: 'file' as const }], readOnlyPaths: ['/proc/sys'] }

describe('checkSystemPaths()', () => {
  it.each([
    '/proc',
    '/proc/',
    '/etc/passwd',
    'proc/cpuinfo',
    '/proc/../etc/passwd',
    '/proc//cpuinfo',
    '/proc/./cpuinfo',
    '/proc/cpuinfo/',
    '/proc/a\0b',
    '/process/x',
  ])('refuses %j', (path) => {
    expect(() => checkSystemPaths({ masked: [path] })).toThrow('below /proc or /sys')
    expect(() => checkSystemPaths({ readOnly: [path] })).toThrow('cannot make read-only')
  })

  it.each(['/proc/self/root/etc', '/proc/1/environ', '/proc/thread-self/fd', '/proc/self'])(
    'refuses %s of a process',
    (path) => {
      expect(() => checkSystemPaths({ masked: [path] })).toThrow('processes come and go')
    },
  )

  it('refuses links, and more than can be', () => {
    expect(() => checkSystemPaths({ masked: [`/proc/${'x'.repeat(5000)}`] })).toThrow('below /proc or /sys')
    expect(() => checkSystemPaths({ masked: ['/proc/net/tcp'] })).toThrow('a symbolic link is on the way')
    const many = Array.from({ length: 257 }, (_, n) => `/proc/x${n}`)
    expect(() => checkSystemPaths({ masked: many })).toThrow('at most 256')
  })

  it('takes what is there and what is not', () => {
    expect(() =>
      checkSystemPaths({ masked: ['/proc/cpuinfo', '/sys/no/such'], readOnly: ['/sys/kernel'] }),
    ).not.toThrow()
  })
})

describe('systemPathsOf()', () => {
  it('is what is usual where nothing is said', () => {
    const usual = { masked: host.maskedPaths, readOnly: host.readOnlyPaths }
    expect(systemPathsOf(undefined, host)).toEqual(usual)
    expect(systemPathsOf({ masked: undefined }, host)).toEqual(usual)
    expect(systemPathsOf('unconfined', host)).toEqual({ masked: [], readOnly: [] })
  })

  it('finds the kind of what was named, and leaves out what is not there', () => {
    expect(
      systemPathsOf({ masked: ['/proc/cpuinfo', '/proc/tty', '/proc/no-such'], readOnly: [] }, host),
    ).toEqual({
      masked: [
        { path: '/proc/cpuinfo', kind: 'file' },
        { path: '/proc/tty', kind: 'folder' },
      ],
      readOnly: [],
    })
  })
})
