import { describe, expect, it } from '@jest/globals'
import { formatIp, parseIpSubnet } from './ip.js'
import { checkLinkLocal } from './link-local.js'

const subnets = [parseIpSubnet('169.254.8.0/24')!, parseIpSubnet('fd00::/64')!]

describe('checkLinkLocal()', () => {
  it('reads addresses of both families, each once', () => {
    const read = checkLinkLocal(['169.254.9.1', '57.123.22.11', 'fe80::7', '169.254.9.1'], subnets)
    expect(read.map(({ ip, prefixLength }) => `${formatIp(ip)}/${prefixLength}`)).toEqual([
      '169.254.9.1/16',
      '57.123.22.11/16',
      'fe80::7/64',
    ])
  })

  it.each([
    ['169.254.8.3', 'outside of 169.254.8.0/24'],
    ['fd00::1', 'outside of fd00::/64'],
    ['0.0.0.0', 'unicast'],
    ['::', 'unicast'],
    ['127.0.0.1', 'unicast'],
    ['224.0.0.1', 'unicast'],
    ['ff02::1', 'unicast'],
    ['fe80::1%eth0', 'unicast'],
    ['169.254.9.1/16', 'unicast'],
    ['x'.repeat(10_000), 'unicast'],
  ])('refuses %s', (text, why) => {
    expect(() => checkLinkLocal([text], subnets)).toThrow(why)
  })

  it('refuses more than an interface is given', () => {
    expect(() =>
      checkLinkLocal(
        Array.from({ length: 17 }, (_, n) => `169.254.9.${n}`),
        subnets,
      ),
    ).toThrow('at most 16')
  })
})
