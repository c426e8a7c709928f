import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { EndpointRecords } from './endpoint-records.js'
import { InstanceState } from './instance-state.js'
import { readNetworkRecord, writeNetworkRecord } from './network-record.js'
import { PortClaims, type HostPort } from './port-claims.js'

const info = {
  names: [],
  id: 'a',
  name: 'eth0',
  address: '10.9.0.2',
  prefixLength: 16,
  gateway: '10.9.0.1',
  mac: '02:43:0a:09:00:02',
  ifname: 'ctr0a090002',
  ports: [],
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
  })
})

describe('PortClaims.entries()', () => {
  it('removes the folder of a port that nobody got to claim', () => {
    using folder = temporaryFolder()
    mkdirSync(`${folder.path}/tcp-80`)
    expect([...new PortClaims(folder.path).entries()]).toEqual([])
    mkdirSync(`${folder.path}/tcp-80`)
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
    const record = {
      bridge: 'br0',
      subnet: { base: 0x0a090000, prefixLength: 16 },
      gateway: 0x0a090001,
      mtu: undefined,
    }
    writeNetworkRecord(path, record)
    expect(readNetworkRecord(path)).toEqual(record)
    for (const text of ['', 'null', '{}', '{"bridge":"../x","subnet":"10.9.0.0/16","gateway":"10.9.0.1"}']) {
      writeFileSync(path, text)
      expect(() => readNetworkRecord(path)).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_STATE' }))
    }
  })
})

describe('InstanceState', () => {
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
