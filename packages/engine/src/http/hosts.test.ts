import { describe, expect, it } from '@jest/globals'
import { parseHost, parseMetricsAddress } from './hosts.js'
import { refuseOpenHosts } from './tls.js'

describe('parseHost()', () => {
  it('reads paths, and names and numbers with ports', () => {
    expect(parseHost('unix:///run/x.sock')).toEqual([{ kind: 'unix', path: '/run/x.sock' }])
    expect(parseHost('tcp://:2376')).toEqual([{ kind: 'tcp', host: '127.0.0.1', port: 2376 }])
    expect(parseHost('tcp://[::1]:0')).toEqual([{ kind: 'tcp', host: '::1', port: 0 }])
  })

  it.each(['', '/run/x', 'unix://x', 'tcp://a', 'tcp://a:70000', 'tcp://a:1/x', 'npipe:////./x'])(
    'refuses %j',
    (address) => {
      expect(() => parseHost(address)).toThrow(`cannot listen on ${address}: `)
    },
  )

  it('has sockets of systemd only where they are for this process', () => {
    for (const env of [
      {},
      { LISTEN_PID: '1', LISTEN_FDS: '1' },
      { LISTEN_PID: String(process.pid), LISTEN_FDS: '-1' },
    ])
      expect(() => parseHost('fd://', env)).toThrow('no sockets found via socket activation')
    const env = { LISTEN_PID: String(process.pid), LISTEN_FDS: '1' }
    expect(() => parseHost('fd://4', env)).toThrow('no sockets found via socket activation')
  })
})

describe('refuseOpenHosts()', () => {
  it('takes TCP with client certificates only', () => {
    const tcp = parseHost('tcp://0.0.0.0:2375')
    const files = { cert: 'c', key: 'k' }
    expect(() => refuseOpenHosts(tcp, undefined)).toThrow('--allow-tcp-without-client-certificates')
    expect(() => refuseOpenHosts(tcp, files)).toThrow('cannot listen on TCP without client certificates')
    expect(() => refuseOpenHosts([{ kind: 'fd', fd: 3, isUnix: false }], files)).toThrow('cannot listen')
    expect(() => refuseOpenHosts(tcp, { ...files, clientCa: 'a' })).not.toThrow()
    expect(() => refuseOpenHosts([{ kind: 'fd', fd: 3, isUnix: true }], undefined)).not.toThrow()
    expect(() => refuseOpenHosts(parseHost('unix:///x'), undefined)).not.toThrow()
  })
})

describe('parseMetricsAddress()', () => {
  it('reads an address, this machine alone where none is named', () => {
    expect(parseMetricsAddress(':9323')).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 9323 })
    expect(parseMetricsAddress('[::1]:0')).toEqual({ kind: 'tcp', host: '::1', port: 0 })
    for (const wrong of ['9323', 'unix:///x', 'host', 'host:70000'])
      expect(() => parseMetricsAddress(wrong)).toThrow(`cannot serve metrics on ${wrong}`)
  })
})
