import { mkdirSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { AddressPool } from './address-pool.js'
import { formatIpv4, parseIpv4, parseSubnet } from './ipv4.js'

function poolIn(folder: string, cidr: string): AddressPool {
  const subnet = parseSubnet(cidr)!
  return new AddressPool(folder, subnet, subnet.base + 1)
}

describe('AddressPool', () => {
  it('hands out every address but network, gateway and broadcast, once each', () => {
    using folder = temporaryFolder()
    const pool = poolIn(folder.path, '10.9.8.0/28')
    const all = Array.from({ length: 13 }, (_, index) => formatIpv4(pool.allocate(`c${index}`)))
    expect(new Set(all)).toEqual(new Set(Array.from({ length: 13 }, (_, index) => `10.9.8.${index + 2}`)))
    expect(() => pool.allocate('one-too-many')).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_POOL_EXHAUSTED' }),
    )
    pool.release('10.9.8.7', 'c5')
    expect(formatIpv4(pool.allocate('again'))).toBe('10.9.8.7')
    pool.close()
  })

  it('does not give an address out again at once, not even to another process', () => {
    using folder = temporaryFolder()
    const first = poolIn(folder.path, '10.9.0.0/16')
    const address = formatIpv4(first.allocate('a'))
    first.release(address, 'a')
    first.close()
    const second = poolIn(folder.path, '10.9.0.0/16')
    expect(formatIpv4(second.allocate('b'))).toBe('10.9.0.3')
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
    pool.claim(parseIpv4('10.9.0.50')!, 'a')
    pool.release('10.9.0.50', 'b')
    expect(() => pool.claim(parseIpv4('10.9.0.50')!, 'b')).toThrow(/a has it/)
    for (const address of ['10.9.0.0', '10.9.0.1', '10.9.0.255', '10.9.1.4']) {
      expect(() => pool.claim(parseIpv4(address)!, 'b')).toThrow(
        expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }),
      )
    }
    pool.close()
  })

  it('says which folder it cannot use', () => {
    using folder = temporaryFolder()
    mkdirSync(`${folder.path}/cursor`)
    const pool = poolIn(folder.path, '10.9.0.0/24')
    expect(() => pool.allocate('a')).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_STATE' }))
  })
})
