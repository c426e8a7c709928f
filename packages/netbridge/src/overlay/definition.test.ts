import { describe, expect, it } from '@jest/globals'
import { openStore } from './open-store.js'
import { parseDefinition, parsePeers } from './definition.js'

const endpoint = { id: 'web', names: ['web'], address: '10.0.0.2', ipv6: null, mac: '02:00:00:00:00:01' }

describe('what others have written in a store', () => {
  it('is taken as far as it makes sense', () => {
    const peers = parsePeers(
      'n',
      new Map([
        [
          'networks/n/hosts/00000000000000aa',
          JSON.stringify({ address: '192.0.2.1', endpoints: [endpoint] }),
        ],
        [
          'networks/n/hosts/00000000000000bb',
          JSON.stringify({ address: '192.0.2.2', endpoints: [{ ...endpoint, address: 'x' }] }),
        ],
        [
          'networks/n/hosts/00000000000000cc',
          JSON.stringify({ address: '192.0.2.3', endpoints: [{ ...endpoint, mac: '01:00:00:00:00:01' }] }),
        ],
        ['networks/n/hosts/00000000000000dd', JSON.stringify({ address: 'fd00::1', endpoints: [] })],
        [
          'networks/n/hosts/00000000000000ee',
          JSON.stringify({ address: '192.0.2.4', endpoints: [{ ...endpoint, names: ['a b'] }] }),
        ],
        ['networks/n/hosts/00000000000000ff', 'rubbish'],
        ['networks/n/hosts/../../etc', JSON.stringify({ address: '192.0.2.5', endpoints: [] })],
        ['networks/n/definition', '{}'],
      ]),
    )
    expect(peers.map(({ address, endpoints }) => [address, endpoints.length])).toEqual([
      ['192.0.2.1', 1],
      ['192.0.2.2', 0],
      ['192.0.2.4', 0],
    ])
  })

  it.each([
    '',
    'null',
    '{}',
    '{"id":"x"}',
    JSON.stringify({
      id: 'a'.repeat(64),
      vni: 1,
      port: 4789,
      mtu: 1450,
      subnets: 7,
      internal: false,
      icc: true,
      masquerade: true,
    }),
  ])('is refused as a definition: %j', (text) => {
    expect(() => parseDefinition('n', text)).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_STORE' }))
  })
})

describe('openStore()', () => {
  it.each([
    ...[
      '',
      'http://x',
      'etcd://',
      'etcd://user:secret@x',
      'etcd://x/a b',
      'etcd://x?ca=/x',
      'etcds://x?password=1',
    ],
    ...['file://host/x', 'etcds://x?ca=/does/not/exist'],
  ])('refuses %j', (url) => {
    expect(() => openStore(url)).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }))
  })

  it.each(['etcd://10.0.0.1', 'etcd://[fd00::1]:2379,b:2379/pre/fix', 'etcds://x:1', 'file:///tmp/x'])(
    'opens %j',
    (url) => {
      openStore(url)[Symbol.dispose]()
    },
  )
})
