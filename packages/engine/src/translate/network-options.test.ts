import { describe, expect, it } from '@jest/globals'
import { networkOptions } from './network-options.js'

describe('networkOptions()', () => {
  it('reads where an overlay network has its store', () => {
    const Options = {
      store: 'etcd://10.0.0.5:2379',
      vni: '5000',
      vxlan_port: '8472',
      local: '10.0.0.1',
      ttl: '9',
    }
    expect(networkOptions({ Name: 'n', Driver: 'overlay', Options })).toMatchObject({
      driver: 'overlay',
      overlay: {
        ...{ store: 'etcd://10.0.0.5:2379', vni: 5000, port: 8472, local: '10.0.0.1', ttlSeconds: 9 },
      },
    })
  })

  it.each([
    [{ Scope: 'swarm' }, 'not a swarm manager'],
    [{ Scope: 'global' }, 'there is no scope "global"'],
    [{ IPAM: { Options: { serial: 'true' } } }, 'invalid value of IPAM.Options: serial'],
    [
      { IPAM: { Config: [{}, { Gateway: '10.0.0.1' }] } },
      'invalid value of IPAM.Config.1: Subnet is missing',
    ],
    [{ IPAM: { Config: [{ AuxiliaryAddresses: { a: '10.0.0.1' } }] } }, 'Subnet is missing'],
  ])('refuses %j', (asked, refusal) => {
    expect(() => networkOptions({ Name: 'n', ...asked })).toThrow(refusal)
  })

  it('takes what says nothing', () => {
    expect(
      networkOptions({
        Name: 'n',
        Scope: 'local',
        IPAM: { Options: {}, Config: [{ Subnet: '', Gateway: '' }] },
      }),
    ).toMatchObject({ subnets: [] })
  })
})
