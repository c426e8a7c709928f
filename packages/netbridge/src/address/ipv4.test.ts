import { describe, expect, it } from '@jest/globals'
import { contains, formatIpv4, formatSubnet, lastAddress, parseIpv4 } from './ipv4.js'

describe('parseIpv4()', () => {
  it.each([
    ['0.0.0.0', 0],
    ['172.30.0.2', 0xac1e0002],
    ['255.255.255.255', 0xffffffff],
  ])('reads %s', (text, value) => {
    expect(parseIpv4(text)).toBe(value)
    expect(formatIpv4(value)).toBe(text)
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '0x1.2.3.4',
    '1.2.3.4\n',
  ])('refuses %j', (text) => {
    expect(parseIpv4(text)).toBeUndefined()
  })
})

describe('Subnet', () => {
  it('has a last address, and holds what lies in it', () => {
    const subnet = { base: parseIpv4('192.168.128.0')!, prefixLength: 17 }
    expect(formatSubnet(subnet)).toBe('192.168.128.0/17')
    expect(formatIpv4(lastAddress(subnet))).toBe('192.168.255.255')
    expect(contains(subnet, parseIpv4('192.168.127.255')!)).toBe(false)
  })
})
