import { mkdirSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { AddressPool } from './address-pool.js'
import type { SubnetOptions } from '../network-info.js'
import { checkPlan } from './plan.js'

function poolIn(folder: string, cidr: string, more: Partial<SubnetOptions> = {}): AddressPool {
  return new AddressPool(folder, checkPlan({ subnet: cidr, ...more }))
}

describe('AddressPool', () => {
  it('hands out every address but network, gateway and broadcast, once each', () => {
    using folder = temporaryFolder()
    const pool = poolIn(folder.path, '10.9.8.0/28')
    const all = Array.from({ length: 13 }, (_, index) => pool.allocate(`c${index}`))
    expect(new Set(all)).toEqual(new Set(Array.from({ length: 13 }, (_, index) => `10.9.8.${index + 2}`)))
    expect(() => pool.allocate('one-too-many')).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_POOL_EXHAUSTED' }),
    )
    pool.release('10.9.8.7', 'c5')
    expect(pool.allocate('again')).toBe('10.9.8.7')
    pool.close()
  })

  it('does not give an address out again at once, not even to another process', () => {
    using folder = temporaryFolder()
    const first = poolIn(folder.path, '10.9.0.0/16')
    const address = first.allocate('a')
    first.release(address, 'a')
    first.close()
    const second = poolIn(folder.path, '10.9.0.0/16')
    expect(second.allocate('b')).toBe('10.9.0.3')
    second.close()
  })

  it('shares one pool between two that have it open', () => {
    using folder = temporaryFolder()
    const pools = [poolIn(folder.path, '10.9.0.0/24'), poolIn(folder.path, '10.9.0.0/24')]
    const all = Array.from({ length: 200 }, (_, index) => pools[index % 2]!.allocate(`c${index}`))
    expect(new Set(all).size).toBe(200)
    expect(new Map(pools[0]!.entries()).get('10.9.0.2')).toBe('c0')
    for (const pool of pools) pool.close()
  })

  it('lets only the owner release, and refuses what is taken, reserved or foreign', () => {
    using folder = temporaryFolder()
    const pool = poolIn(folder.path, '10.9.0.0/24')
    pool.claim('10.9.0.50', 'a')
    pool.release('10.9.0.50', 'b')
    expect(() => pool.claim('10.9.0.50', 'b')).toThrow(/a has it/)
    for (const address of ['10.9.0.0', '10.9.0.1', '10.9.0.255', '10.9.1.4']) {
      expect(() => pool.claim(address, 'b')).toThrow(
        expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }),
      )
    }
    pool.close()
  })

  it('says which folder it cannot use', () => {
    using folder = temporaryFolder()
    mkdirSync(`${folder.path}/addresses/ipv4`, { recursive: true })
    const pool = poolIn(folder.path, '10.9.0.0/24')
    expect(() => pool.allocate('a')).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_STATE' }))
  })

  it('chooses from the range, never what belongs to others, and gives the rest when asked', () => {
    using folder = temporaryFolder()
    const pool = poolIn(folder.path, '10.9.0.0/24', {
      gateway: '10.9.0.254',
      range: '10.9.0.8/30',
      aux: { router: '10.9.0.9' },
    })
    expect(['a', 'b', 'c'].map((id) => pool.allocate(id)).sort()).toEqual([
      '10.9.0.10',
      '10.9.0.11',
      '10.9.0.8',
    ])
    expect(() => pool.allocate('d')).toThrow(/10\.9\.0\.8\/30: all are taken/)
    expect(pool.claim('10.9.0.1', 'd')).toBe('10.9.0.1')
    expect(() => pool.claim('10.9.0.9', 'd')).toThrow(/reserved/)
    pool.close()
  })

  it('hands out IPv6 addresses, of a subnet however large, beside IPv4 in the same folder', () => {
    using folder = temporaryFolder()
    const pool = poolIn(folder.path, 'fd00:1::/64')
    const four = poolIn(folder.path, '10.9.0.0/24')
    expect([pool.allocate('a'), pool.allocate('b')]).toEqual(['fd00:1::2', 'fd00:1::3'])
    expect(four.allocate('a')).toBe('10.9.0.2')
    expect(pool.claim('FD00:1:0:0:0::FF', 'c')).toBe('fd00:1::ff')
    expect(() => pool.claim('fd00:1::1', 'c')).toThrow(/reserved/)
    expect(() => pool.claim('10.9.0.7', 'c')).toThrow(/not in fd00:1::\/64/)
    expect([...pool.entries()].sort()).toEqual([
      ['fd00:1::2', 'a'],
      ['fd00:1::3', 'b'],
      ['fd00:1::ff', 'c'],
    ])
    pool.release('fd00:1::2', 'a')
    expect([...pool.entries()]).toHaveLength(2)
    pool.close()
    four.close()
  })
})
