import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { EndpointRecords } from './endpoint-records.js'
import { InstanceState } from './instance-state.js'
import { readNetworkRecord, recordOf, writeNetworkRecord } from './network-record.js'
import type { NetworkInfo } from '../network-info.js'
import { PortClaims, type HostPort } from './port-claims.js'

const info = {
  names: [],
  id: 'a',
  name: 'eth0',
  address: '10.9.0.2',
  prefixLength: 16,
  gateway: '10.9.0.1',
  ipv6: null,
  mac: '02:43:0a:09:00:02',
  ifname: 'ctr0a090002',
  ports: [],
}

const network: NetworkInfo = {
  id: '0'.repeat(64),
  name: 'backend',
  driver: 'bridge',
  createdAt: '2026-01-01T00:00:00.000Z',
  subnets: [
    { subnet: '10.9.0.0/16', gateway: '10.9.0.1', range: '10.9.1.0/24', aux: { router: '10.9.0.7' } },
    { subnet: 'fd00:1::/64', gateway: 'fd00:1::1', range: 'fd00:1::/64', aux: {} },
  ],
  internal: true,
  attachable: true,
  icc: false,
  masquerade: true,
  labels: { a: 'b' },
  bridge: 'br-0',
}

describe('PortClaims', () => {
  const port = (hostIp: string, host = 80, protocol: 'tcp' | 'udp' = 'tcp'): HostPort => ({
    hostIp,
    host,
    protocol,
  })

  it('sees that every address and a single one conflict', () => {
    using folder = temporaryFolder()
    const claims = new PortClaims(folder.path)
    expect(claims.claim(port('0.0.0.0'), 'a')).toBeUndefined()
    expect(claims.claim(port('0.0.0.0'), 'b')).toBe('a')
    expect(claims.claim(port('127.0.0.1'), 'b')).toBe('a')
    expect(claims.claim(port('127.0.0.1', 80, 'udp'), 'b')).toBeUndefined()
    claims.release(port('0.0.0.0'), 'b')
    claims.release(port('0.0.0.0'), 'a')
    expect(claims.claim(port('127.0.0.1'), 'b')).toBeUndefined()
    expect(claims.claim(port('127.0.0.2'), 'c')).toBeUndefined()
    expect(claims.claim(port('0.0.0.0'), 'd')).toMatch(/[bc]/)
    expect(
      [...claims.entries()].map(([{ hostIp, protocol }, owner]) => `${hostIp}/${protocol} ${owner}`).sort(),
    ).toEqual(['127.0.0.1/tcp b', '127.0.0.1/udp b', '127.0.0.2/tcp c'])
    claims.close()
  })
})

describe('EndpointRecords', () => {
  it('keeps one record an id and passes over broken ones', () => {
    using folder = temporaryFolder()
    const records = new EndpointRecords(folder.path)
    expect(records.add(info)).toBe(true)
    expect(records.add({ ...info, address: '10.9.0.3' })).toBe(false)
    expect(records.get('a')).toEqual(info)
    writeFileSync(`${folder.path}/b.json`, '{"id":')
    expect(records.ids().sort()).toEqual(['a', 'b'])
    expect(records.list()).toEqual([info])
    records.remove('a')
    records.remove('a')
    writeFileSync(`${folder.path}/.c.json.x`, '')
    writeFileSync(`${folder.path}/.d.json.x`, '')
    utimesSync(`${folder.path}/.c.json.x`, 0, 0)
    records.removeUnfinished()
    expect(readdirSync(folder.path).sort()).toEqual(['.d.json.x', 'b.json'])
    expect(records.get('a')).toBeUndefined()
  })
})

describe('readNetworkRecord()', () => {
  it('reads what was written, and refuses what makes no sense', () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/network.json`
    expect(readNetworkRecord(path)).toBeUndefined()
    const record = recordOf(network)
    expect(writeNetworkRecord(path, record, true)).toBe(true)
    expect(writeNetworkRecord(path, record, false)).toBe(false)
    expect(readNetworkRecord(path)).toEqual(record)
    const wrong = [{ name: '../x' }, { bridge: '../x' }, { subnets: [] }, { subnets: [network.subnets[1]] }]
    for (const text of ['', 'null', '{}', ...wrong.map((part) => JSON.stringify({ ...network, ...part }))]) {
      writeFileSync(path, text)
      expect(() => readNetworkRecord(path)).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_STATE' }))
    }
  })
})

describe('InstanceState', () => {
  it('keeps what networks are apart from what a reboot ends', () => {
    using folder = temporaryFolder()
    const state = new InstanceState(`${folder.path}/run`, `${folder.path}/lib`)
    expect(state.names()).toEqual([])
    state.locked(() => state.addRecord(recordOf(network)))
    rmSync(`${folder.path}/run`, { recursive: true })
    expect(state.bridges().map(({ info }) => info)).toEqual([network])
    state.locked(() => {
      state.removeNetwork('backend')
    })
    expect(state.names()).toEqual([])
  })

  it('goes with its last network', () => {
    using folder = temporaryFolder()
    const state = new InstanceState(`${folder.path}/net`)
    state.locked(() => {
      state.endpoints('br0').add(info)
      state.endpoints('br1').add(info)
      state.removeNetwork('br0')
    })
    expect(() => mkdirSync(`${folder.path}/net`)).toThrow(/EEXIST/)
    state.locked(() => {
      state.removeNetwork('br1')
    })
    mkdirSync(`${folder.path}/net`)
  })
})
