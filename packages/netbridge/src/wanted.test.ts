import { describe, expect, it } from '@jest/globals'
import type { NetworkOptions } from './network-info.js'
import { parseVlan } from './parent-link.js'
import { checkWanted } from './wanted.js'

describe('checkWanted()', () => {
  it.each<Partial<NetworkOptions>>([
    { name: '../x' },
    { driver: 'overlay' },
    { driver: 'overlay', parent: 'eth0', overlay: { store: 'file:///x' } },
    { driver: 'overlay', overlay: { store: 'file:///x', vni: 2 ** 24 } },
    { driver: 'overlay', overlay: { store: 'file:///x', local: 'fd00::1' } },
    { driver: 'bridge', overlay: { store: 'file:///x' } },
    { driver: '__proto__' as 'bridge' },
    ...[
      '127.0.0.0/8',
      '224.0.0.0/8',
      '0.0.0.0/8',
      '10.0.0.0/30',
      '10.0.0.0/7',
      '10.0.0.1/24',
      'fe80::/64',
      'ff00::/16',
      'fd00::/126',
      'fd00::1/64',
    ].map((subnet) => ({ subnets: [{ subnet }] })),
    ...['10.0.0.0', '10.0.0.255', '10.0.1.1', 'fd00::1', 'x'].map((gateway) => ({
      subnets: [{ subnet: '10.0.0.0/24', gateway }],
    })),
    ...['10.0.0.0/23', '10.0.1.0/25', '10.0.0.1/25', 'x'].map((range) => ({
      subnets: [{ subnet: '10.0.0.0/24', range }],
    })),
    { subnets: [{ subnet: '10.0.0.0/24', aux: { router: '10.0.1.1' } }] },
    { subnets: [{ subnet: '10.0.0.0/24' }, { subnet: '10.1.0.0/24' }] },
    { subnets: [{ subnet: 'fd00::/64' }], ipv6: false },
    { ipv6: true, mtu: 1279 },
    { mtu: 65_536 },
    { parent: 'eth0' },
    { mode: 'l2' },
    { bridge: 'a/b' },
    { driver: 'macvlan' },
    { driver: 'macvlan', parent: 'eth0', mode: 'l2' },
    { driver: 'ipvlan', parent: 'eth0', mode: 'bridge' },
    { driver: 'ipvlan', parent: 'eth0', icc: false },
  ])('refuses %j', (options) => {
    expect(() => checkWanted({ name: 'n', ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }),
    )
  })

  it('sorts subnets by family, and has IPv6 when one is named or asked for', () => {
    const subnets = [{ subnet: 'fd00::/64' }, { subnet: '10.0.0.0/24' }]
    expect(checkWanted({ name: 'n', subnets })).toMatchObject({ wantsIpv6: true, driver: 'bridge' })
    expect(checkWanted({ name: 'n', ipv6: true })).toMatchObject({ wantsIpv6: true, ipv6: undefined })
    expect(checkWanted({ name: 'n' }).wantsIpv6).toBe(false)
  })
})

describe('parseVlan()', () => {
  it('reads the names of VLANs alone', () => {
    expect(parseVlan('eth0.10')).toEqual({ base: 'eth0', id: 10 })
    expect(parseVlan('bond.1.4094')).toEqual({ base: 'bond.1', id: 4094 })
    for (const name of ['eth0', 'eth0.0', 'eth0.4095', 'eth0.01', '.5', 'eth0.x'])
      expect(parseVlan(name)).toBeUndefined()
  })
})
