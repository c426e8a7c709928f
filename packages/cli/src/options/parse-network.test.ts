import { describe, expect, it } from '@jest/globals'
import { networkOptions, parseNetworks } from './parse-network.js'

describe('parseNetworks()', () => {
  it('leaves the choice to the runtime when nothing is said', () => {
    expect(parseNetworks({})).toBeUndefined()
  })

  it('reads names, and settings of each', () => {
    expect(parseNetworks({ network: ['host'] })).toEqual([{ name: 'host' }])
    const network = [
      'front,alias=web,alias=www,ip=10.0.0.7',
      'name=back,ip6=fd00::7,mac-address=02:00:00:00:00:07',
      'slow,ingress-rate=10mbit,egress-rate=500kbit',
      'far,link-local-ip=169.254.9.1,link-local-ip=fe80::9,gw-priority=-3',
    ]
    expect(parseNetworks({ network })).toEqual([
      { name: 'front', aliases: ['web', 'www'], ip: '10.0.0.7' },
      { name: 'back', aliases: [], ip6: 'fd00::7', mac: '02:00:00:00:00:07' },
      { name: 'slow', aliases: [], bandwidth: { ingressRate: 10_000_000, egressRate: 500_000 } },
      { name: 'far', aliases: [], linkLocalIps: ['169.254.9.1', 'fe80::9'], gatewayPriority: -3 },
    ])
  })

  it('gives the flags beside it to the first network', () => {
    const flags = { networkAlias: ['db'], ip: '10.0.0.8', ip6: 'fd00::8', macAddress: '02:00:00:00:00:08' }
    const own = { aliases: ['db'], ip: '10.0.0.8', ip6: 'fd00::8', mac: '02:00:00:00:00:08' }
    expect(parseNetworks(flags)).toEqual([{ name: 'bridge', ...own }])
    expect(parseNetworks({ ...flags, network: ['a', 'b'] })).toEqual([{ name: 'a', ...own }, { name: 'b' }])
    const linkLocalIp = ['169.254.9.2']
    expect(parseNetworks({ linkLocalIp, network: ['a,link-local-ip=169.254.9.1,gw-priority=1'] })).toEqual([
      { name: 'a', linkLocalIps: ['169.254.9.1', '169.254.9.2'], gatewayPriority: 1 },
    ])
  })

  it.each(['a,ip=', 'a,speed=9', 'alias=x', 'a,b=c,d', 'a,egress-rate=fast', 'a,gw-priority=x'])(
    'refuses %j',
    (text) => {
      expect(() => parseNetworks({ network: [text] })).toThrow('for --network')
    },
  )
})

describe('networkOptions()', () => {
  it('gives gateways, ranges and addresses to the subnets that hold them', () => {
    const options = networkOptions('n', {
      driver: 'macvlan',
      subnet: ['10.0.0.0/24', 'fd00::/64'],
      gateway: ['fd00::9', '10.0.0.254'],
      ipRange: ['10.0.0.128/25'],
      auxAddress: ['router=10.0.0.3'],
      opt: ['parent=eth0.10', 'macvlan_mode=vepa', 'com.docker.network.driver.mtu=1400'],
      label: ['a=b'],
      internal: true,
    })
    expect(options).toMatchObject({
      ...{ name: 'n', driver: 'macvlan', parent: 'eth0.10', mode: 'vepa', mtu: 1400, internal: true },
      labels: { a: 'b' },
      subnets: [
        { subnet: '10.0.0.0/24', gateway: '10.0.0.254', range: '10.0.0.128/25', aux: { router: '10.0.0.3' } },
        { subnet: 'fd00::/64', gateway: 'fd00::9', range: undefined, aux: {} },
      ],
    })
  })

  it('reads where an overlay network has its store', () => {
    const opt = ['store=etcd://10.0.0.5:2379', 'local=10.0.0.1', 'vni=5000', 'vxlan_port=8472', 'ttl=10']
    expect(networkOptions('n', { driver: 'overlay', opt })).toMatchObject({
      driver: 'overlay',
      overlay: {
        ...{ store: 'etcd://10.0.0.5:2379', local: '10.0.0.1', vni: 5000, port: 8472, ttlSeconds: 10 },
      },
    })
    expect(() => networkOptions('n', { driver: 'overlay', opt: ['vni=many'] })).toThrow('-o vni')
  })

  it('reads switches of bridges', () => {
    const opt = [
      'com.docker.network.bridge.enable_icc=false',
      'com.docker.network.bridge.enable_ip_masquerade=1',
      'com.docker.network.bridge.name=br7',
    ]
    expect(networkOptions('n', { opt })).toMatchObject({ icc: false, masquerade: true, bridge: 'br7' })
  })

  it.each([
    { gateway: ['10.0.0.1'] },
    { subnet: ['10.0.0.0/24'], ipRange: ['10.0.1.0/25'] },
    { subnet: ['x'] },
    { subnet: ['10.0.0.0/99'] },
    { opt: ['speed=9'] },
    { opt: ['com.docker.network.bridge.enable_icc=maybe'] },
  ])('refuses %j', (flags) => {
    expect(() => networkOptions('n', flags)).toThrow(expect.objectContaining({ code: 'ERR_CLI_USAGE' }))
  })
})
