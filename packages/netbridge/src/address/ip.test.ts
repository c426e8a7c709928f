import { describe, expect, it } from '@jest/globals'
import { formatIp, formatIpSubnet, ipBytes, ipOf, lastIp, overlapIp, parseIp, parseIpSubnet } from './ip.js'

describe('parseIp() and formatIp()', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fd00::', 'fd00::'],
    ['::ffff:10.1.2.3', '::ffff:a01:203'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('read %s and write %s', (text, written) => {
    const ip = parseIp(text)!
    expect(formatIp(ip)).toBe(written)
    expect(ipOf(ipBytes(ip))).toEqual(ip)
  })

  it.each(['', '10.0.0', '10.0.0.256', '01.2.3.4', 'fe80::1%eth0', ':::', '1::2::3', '12345::', 'x'])(
    'refuse %j',
    (text) => {
      expect(parseIp(text)).toBeUndefined()
    },
  )
})

describe('parseIpSubnet()', () => {
  it.each(['10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', 'fd00:1:2:3::/64', '2001:db8::8/125', '::/0'])(
    'reads %s',
    (text) => {
      expect(formatIpSubnet(parseIpSubnet(text)!)).toBe(text)
    },
  )

  it.each([
    '10.0.0.1/8',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '/8',
    '10.0.0.0/ 8',
    'fd00::1/64',
    'fd00::/129',
  ])('refuses %j', (text) => {
    expect(parseIpSubnet(text)).toBeUndefined()
  })

  it('knows the last address', () => {
    const subnet = parseIpSubnet('fd00::/120')!
    expect(formatIp({ family: 6, value: lastIp(subnet) })).toBe('fd00::ff')
  })
})

describe('overlapIp()', () => {
  it.each([
    ['10.0.0.0/8', '10.5.0.0/16', true],
    ['10.5.0.0/16', '10.0.0.0/8', true],
    ['172.30.0.0/16', '172.31.0.0/16', false],
    ['fd00::/16', 'fd00:1::/64', true],
    ['::/0', '10.0.0.0/8', false],
  ])('of %s and %s is %p', (a, b, expected) => {
    expect(overlapIp(parseIpSubnet(a)!, parseIpSubnet(b)!)).toBe(expected)
  })
})
