import { describe, expect, it } from '@jest/globals'
import { formatIpSubnet, parseIpSubnet } from './address/ip.js'
import { chooseSubnet, chooseUniqueLocal, conflictingRoute } from './subnet-choice.js'

describe('chooseSubnet()', () => {
  const route = (text: string, interfaceIndex = 2) => ({ subnet: parseIpSubnet(text)!, interfaceIndex })

  it('avoids routes of the host and what was refused', () => {
    expect(formatIpSubnet(chooseSubnet([]))).toBe('172.30.0.0/16')
    expect(formatIpSubnet(chooseSubnet([route('172.30.5.0/24')], [parseIpSubnet('172.31.0.0/16')!]))).toBe(
      '172.29.0.0/16',
    )
    expect(formatIpSubnet(chooseSubnet([route('172.16.0.0/12')]))).toBe('192.168.0.0/20')
  })

  it('makes a unique local one of IPv6', () => {
    const [a, b] = [chooseUniqueLocal(), chooseUniqueLocal()].map(formatIpSubnet)
    expect(a).toMatch(/^fd[0-9a-f:]+\/64$/)
    expect(a).not.toBe(b)
  })

  it('gives up when nothing is left', () => {
    const everything = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((text) => route(text))
    expect(() => chooseSubnet(everything)).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_POOL_EXHAUSTED' }),
    )
  })

  it('does not count routes of the bridge itself', () => {
    const own = [route('172.30.0.0/16', 7)]
    expect(conflictingRoute(own, parseIpSubnet('172.30.0.0/16')!, 7)).toBeUndefined()
    expect(conflictingRoute(own, parseIpSubnet('172.30.0.0/16')!, 8)).toBe(own[0])
  })
})
