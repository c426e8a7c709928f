import { describe, expect, it } from '@jest/globals'
import { parseIp } from '../address/ip.js'
import { newAddress, newDefaultRoute, readRoute } from './address-messages.js'
import { newVeth, readLink, setLinkDownInGroup } from './link-messages.js'
import { newIpvlan, newMacvlan, newVlan } from './stacked-links.js'
import { MessageWriter } from './message-writer.js'
import type { RouteRequest } from './route-request.js'

function bodyOf(request: RouteRequest): Buffer {
  const writer = new MessageWriter()
  request.body(writer)
  return Buffer.from(writer.bytes)
}

describe('newVeth()', () => {
  it('puts the peer into its namespace under its name, one queue each', () => {
    const peer = { name: 'eth0', mac: Uint8Array.of(2, 0x43, 172, 30, 0, 2), netnsFd: 21 }
    expect(bodyOf(newVeth({ name: 'ctrac1e0002', bridge: 5, mtu: undefined, peer })).toString('hex')).toBe(
      '00000000' +
        '00000000' +
        '01000000' +
        '01000000' + // struct ifinfomsg: IFF_UP
        '10000300' +
        '637472616331653030303200' + // IFLA_IFNAME
        '08001f00' +
        '01000000' + // IFLA_NUM_TX_QUEUES
        '08002000' +
        '01000000' + // IFLA_NUM_RX_QUEUES
        '08000a00' +
        '05000000' + // IFLA_MASTER
        '58001280' + // IFLA_LINKINFO
        '09000100' +
        '7665746800000000' + // IFLA_INFO_KIND "veth"
        '48000280' +
        '44000180' + // IFLA_INFO_DATA, VETH_INFO_PEER
        '00000000' +
        '00000000' +
        '00000000' +
        '00000000' + // struct ifinfomsg
        '09000300' +
        '6574683000000000' + // IFLA_IFNAME "eth0"
        '0a000100' +
        '0243ac1e00020000' + // IFLA_ADDRESS
        '08001c00' +
        '15000000' + // IFLA_NET_NS_FD
        '08001f00' +
        '01000000' +
        '08002000' +
        '01000000',
    )
  })
})

describe('setLinkDownInGroup()', () => {
  it('clears IFF_UP by name', () => {
    expect(bodyOf(setLinkDownInGroup('v', 0xac1e0000)).toString('hex')).toBe(
      '00000000' + '00000000' + '00000000' + '01000000' + '06000300' + '76000000' + '08001b00' + '00001eac',
    )
  })
})

describe('newAddress()', () => {
  it('names address and broadcast address', () => {
    expect(bodyOf(newAddress(2, 'eth0', parseIp('172.30.0.2')!, 16)).toString('hex')).toBe(
      '02100000' + '02000000' + '08000200' + 'ac1e0002' + '08000100' + 'ac1e0002' + '08000400' + 'ac1effff',
    )
  })
})

describe('newMacvlan(), newIpvlan() and newVlan()', () => {
  it('name parent, namespace and mode', () => {
    const link = { parent: 3, name: 'eth0', netnsFd: 9, mtu: undefined }
    const head = '00000000'.repeat(4) + '09000300' + '6574683000000000' + '08000500' + '03000000'
    expect(bodyOf(newMacvlan(link, undefined, 'vepa')).toString('hex')).toBe(
      `${head}08001c0009000000` +
        '1c001280' +
        '0c000100' +
        '6d6163766c616e00' +
        '0c000280' +
        '08000100' +
        '02000000',
    )
    expect(bodyOf(newIpvlan(link, 'l3s')).toString('hex')).toBe(
      `${head}08001c0009000000` +
        '1c001280' +
        '0b000100' +
        '6970766c616e0000' +
        '0c000280' +
        '06000100' +
        '02000000',
    )
    expect(bodyOf(newVlan(3, 'eth0', 300)).toString('hex')).toMatch(/0c000280060001002c010000$/)
  })
})

describe('newDefaultRoute()', () => {
  it('is read back by readRoute()', () => {
    const body = bodyOf(newDefaultRoute(2, parseIp('172.30.0.1')!))
    expect(readRoute({ type: 24, flags: 0, sequence: 0, port: 0, body })).toEqual({
      family: 2,
      prefixLength: 0,
      destination: undefined,
      interfaceIndex: 2,
      isLocal: false,
    })
    body[7] = 2 // RTN_LOCAL
    expect(readRoute({ type: 24, flags: 0, sequence: 0, port: 0, body }).isLocal).toBe(true)
  })
})

describe('readLink()', () => {
  it('reads what the kernel reports of a port', () => {
    const writer = new MessageWriter()
    for (const word of [0, 7, 1, 0]) writer.u32(word)
    writer.attributeString(3, 'ctrac1e0002')
    writer.attribute(1, Buffer.from('024300000001', 'hex'))
    writer.attributeU32(5, 9)
    writer.attributeU32(10, 5)
    writer.nested(18, () => writer.attributeString(1, 'veth'))
    expect(readLink({ type: 16, flags: 0, sequence: 0, port: 0, body: Buffer.from(writer.bytes) })).toEqual({
      index: 7,
      name: 'ctrac1e0002',
      up: true,
      master: 5,
      kind: 'veth',
      mac: '02:43:00:00:00:01',
      parent: 9,
    })
  })
})
