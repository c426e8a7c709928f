import { describe, expect, it } from '@jest/globals'
import { checkMappings } from './publish.js'
import { chooseSubnet, conflictingRoute } from './subnet-choice.js'
import { formatSubnet, parseSubnet } from './address/ipv4.js'
import { checkId, checkInstance, checkInterfaceName, checkMac, checkSubnet, formatMac } from './validate.js'

const invalid = expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' })

describe('checks of names', () => {
  it.each(['', '.', '..', '../x', 'a/b', '.hidden', '-a', 'a'.repeat(129), 'a\0', 'a\n', 'ä'])(
    'refuse id %j',
    (id) => {
      expect(() => checkId(id)).toThrow(invalid)
    },
  )

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

describe('checkSubnet()', () => {
  it.each([
    '127.0.0.0/8',
    '224.0.0.0/8',
    '0.0.0.0/8',
    '10.0.0.0/30',
    '10.0.0.0/7',
    '10.0.0.1/24',
    'fd00::/64',
  ])('refuses %j', (text) => {
    expect(() => checkSubnet(text)).toThrow(invalid)
  })
})

describe('checkMappings()', () => {
  it('fills in defaults', () => {
    expect(checkMappings([{ container: 80 }])).toEqual([
      { host: 0, container: 80, protocol: 'tcp', hostIp: '0.0.0.0' },
    ])
  })

  it.each([
    { container: 0 },
    { container: 65_536 },
    { container: 80, host: -1 },
    { container: 80, host: 1.5 },
    { container: 80, hostIp: '::1' },
    { container: 80, protocol: 'sctp' as 'tcp' },
    { container: 80, protocol: '__proto__' as 'tcp' },
  ])('refuses %j', (mapping) => {
    expect(() => checkMappings([mapping])).toThrow(invalid)
  })
})

describe('chooseSubnet()', () => {
  const route = (text: string, interfaceIndex = 2) => ({ subnet: parseSubnet(text)!, interfaceIndex })

  it('avoids routes of the host and what was refused', () => {
    expect(formatSubnet(chooseSubnet([]))).toBe('172.30.0.0/16')
    expect(formatSubnet(chooseSubnet([route('172.30.5.0/24')], [parseSubnet('172.31.0.0/16')!]))).toBe(
      '172.29.0.0/16',
    )
    expect(formatSubnet(chooseSubnet([route('172.16.0.0/12')]))).toBe('192.168.0.0/20')
  })

  it('gives up when nothing is left', () => {
    const everything = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((text) => route(text))
    expect(() => chooseSubnet(everything)).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_POOL_EXHAUSTED' }),
    )
  })

  it('does not count routes of the bridge itself', () => {
    const own = [route('172.30.0.0/16', 7)]
    expect(conflictingRoute(own, parseSubnet('172.30.0.0/16')!, 7)).toBeUndefined()
    expect(conflictingRoute(own, parseSubnet('172.30.0.0/16')!, 8)).toBe(own[0])
  })
})
