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
})
