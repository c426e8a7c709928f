import { describe, expect, it } from '@jest/globals'
import { checkMappings } from './publish.js'
import {
  checkId,
  checkInstance,
  checkInterfaceName,
  checkMac,
  checkNetworkName,
  formatMac,
} from './validate.js'

const invalid = expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' })

describe('checks of names', () => {
  it.each(['', '.', '..', '../x', 'a/b', '.hidden', '-a', 'a'.repeat(129), 'a\0', 'a\n', 'ä'])(
    'refuse id %j',
    (id) => {
      expect(() => checkId(id)).toThrow(invalid)
    },
  )

  it.each(['', '..', 'a/b', '.a', 'a'.repeat(129)])('refuse network %j', (name) => {
    expect(() => checkNetworkName(name)).toThrow(invalid)
  })

  it.each(['', '..', 'a/b', 'a b', 'a'.repeat(16), 'eth0:1', 'a%d'])('refuse interface %j', (name) => {
    expect(() => checkInterfaceName('name', name)).toThrow(invalid)
  })

  it.each(['', '0a', 'a-b', 'a"b', 'a'.repeat(33)])('refuse instance %j', (name) => {
    expect(() => checkInstance(name)).toThrow(invalid)
  })
})

describe('checkMac()', () => {
  it('reads unicast addresses', () => {
    expect(formatMac(checkMac('02:42:AC:1e:00:02'))).toBe('02:42:ac:1e:00:02')
  })

  it.each([
    '',
    '02:42:ac:1e:00',
    '01:00:5e:00:00:01',
    'ff:ff:ff:ff:ff:ff',
    '00:00:00:00:00:00',
    '0242ac1e0002',
  ])('refuses %j', (text) => {
    expect(() => checkMac(text)).toThrow(invalid)
  })
})

describe('checkMappings()', () => {
  it('fills in defaults', () => {
    expect(checkMappings([{ container: 80 }])).toEqual([
      { host: 0, hostTo: 0, container: 80, protocol: 'tcp', hostIp: '0.0.0.0' },
    ])
  })

  it('takes ranges apart', () => {
    const range = { host: 8000, container: 80, count: 2, protocol: 'sctp', hostIp: 'FD00:0::1' } as const
    expect(checkMappings([range])).toEqual([
      { host: 8000, hostTo: 8000, container: 80, protocol: 'sctp', hostIp: 'fd00::1' },
      { host: 8001, hostTo: 8001, container: 81, protocol: 'sctp', hostIp: 'fd00::1' },
    ])
  })

  it.each([
    { container: 0 },
    { container: 65_536 },
    { container: 80, host: -1 },
    { container: 80, host: 1.5 },
    { container: 80, hostIp: '::1%lo' },
    { container: 80, protocol: 'dccp' as 'tcp' },
    { container: 65_535, count: 2 },
    { container: 80, host: 65_535, count: 2 },
    { container: 80, host: 81, hostTo: 80 },
    { container: 80, host: 80, hostTo: 90, count: 2 },
    { container: 80, protocol: '__proto__' as 'tcp' },
  ])('refuses %j', (mapping) => {
    expect(() => checkMappings([mapping])).toThrow(invalid)
  })
})
