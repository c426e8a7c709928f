import { describe, expect, it } from '@jest/globals'
import { contains, formatIpv4, formatSubnet, lastAddress, overlap, parseIpv4, parseSubnet } from './ipv4.js'

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

describe('parseSubnet()', () => {
  it('reads CIDR', () => {
    const subnet = parseSubnet('192.168.128.0/17')!
    expect(formatSubnet(subnet)).toBe('192.168.128.0/17')
    expect(formatIpv4(lastAddress(subnet))).toBe('192.168.255.255')
    expect(contains(subnet, parseIpv4('192.168.127.255')!)).toBe(false)
  })

  it.each(['10.0.0.1/8', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/8/8', '/8', '10.0.0.0/ 8'])(
    'refuses %j',
    (text) => {
      expect(parseSubnet(text)).toBeUndefined()
    },
  )
})

describe('overlap()', () => {
  it.each([
    ['10.0.0.0/8', '10.5.0.0/16', true],
    ['10.5.0.0/16', '10.0.0.0/8', true],
    ['172.30.0.0/16', '172.31.0.0/16', false],
  ])('of %s and %s is %p', (a, b, expected) => {
    expect(overlap(parseSubnet(a)!, parseSubnet(b)!)).toBe(expected)
  })
})
