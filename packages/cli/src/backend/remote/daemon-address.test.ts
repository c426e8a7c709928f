import { describe, expect, it } from '@jest/globals'
import { daemonAddress } from './daemon-address.js'

describe('daemonAddress()', () => {
  it('reads sockets and ports', () => {
    expect(daemonAddress('unix:///run/x.sock', {})).toEqual({ kind: 'unix', path: '/run/x.sock' })
    expect(daemonAddress('tcp://host', {})).toEqual({ kind: 'tcp', host: 'host', port: 2375 })
    expect(daemonAddress('tcp://[::1]:99/', { DOCKER_TLS_VERIFY: '0' })).toMatchObject({
      host: '::1',
      port: 99,
    })
  })

  it.each(['ssh://host', 'unix://relative', 'tcp://', 'tcp://host:70000', '/run/x.sock'])(
    'refuses %s',
    (host) => {
      expect(() => daemonAddress(host, {})).toThrow('unix:///path.sock and tcp://HOST:PORT are there')
    },
  )

  it('needs certificates for TLS', () => {
    const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nosuch' }
    expect(() => daemonAddress('tcp://host', env)).toThrow('cannot read the certificates of DOCKER_CERT_PATH')
  })
})
