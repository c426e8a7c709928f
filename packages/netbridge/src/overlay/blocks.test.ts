import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { AddressPool } from '../address/address-pool.js'
import { formatIpSubnet, parseIp } from '../address/ip.js'
import { checkPlan } from '../address/plan.js'
import { blockOf, claimBlock, claimFreeBlock, OwnBlocks } from './blocks.js'
import { FileStore } from './file-store.js'

const taken = expect.objectContaining({ code: 'ERR_NETBRIDGE_ADDRESS_TAKEN' })
const exhausted = expect.objectContaining({ code: 'ERR_NETBRIDGE_POOL_EXHAUSTED' })

describe('blocks of addresses', () => {
  it.each([
    ['10.0.0.0/16', '10.0.7.9', '10.0.7.0/24'],
    ['10.0.0.0/24', '10.0.0.33', '10.0.0.32/28'],
    ['10.0.0.0/29', '10.0.0.5', '10.0.0.4/30'],
    ['fd00:1::/64', 'fd00:1::1', 'fd00:1::/72'],
  ])('of %s: %s is in %s', (subnet, address, block) => {
    expect(formatIpSubnet(blockOf(checkPlan({ subnet }), parseIp(address)!))).toBe(block)
  })

  it('go to one of many hosts each, until there are no more', async () => {
    using folder = temporaryFolder()
    const plan = checkPlan({ subnet: '10.0.0.0/24' })
    const hosts = Array.from({ length: 16 }, (_, index) => ({
      ...{ store: new FileStore(folder.path), network: 'n', host: `host${index}` },
    }))
    const blocks = await Promise.all(hosts.map(async (each) => claimFreeBlock(each, plan)))
    expect(new Set(blocks.map(formatIpSubnet)).size).toBe(16)
    await expect(claimFreeBlock(hosts[0]!, plan)).rejects.toEqual(exhausted)
    await expect(claimBlock(hosts[1]!, blocks[0]!)).rejects.toEqual(taken)
    await claimBlock(hosts[0]!, blocks[0]!)
    for (const { store } of hosts) store[Symbol.dispose]()
  })

  it('are what a pool hands out from, and nothing else', () => {
    using folder = temporaryFolder()
    using blocks = new OwnBlocks(folder.path)
    const pool = new AddressPool(folder.path, {
      ...checkPlan({ subnet: '10.0.0.0/24' }),
      parts: () => blocks.of(4),
    })
    expect(() => pool.allocate('early')).toThrow(exhausted)
    for (const text of ['10.0.0.0/28', '10.0.0.64/28']) {
      const [address = ''] = text.split('/')
      blocks.add(blockOf(checkPlan({ subnet: '10.0.0.0/24' }), parseIp(address)!))
    }
    expect(pool.free()).toBe(30) // less network and gateway
    expect(() => pool.claim('10.0.0.32', 'a')).toThrow(taken)
    expect(pool.claim('10.0.0.70', 'a')).toBe('10.0.0.70')
    const all = Array.from({ length: 29 }, (_, index) => pool.allocate(`c${index}`))
    expect(new Set([...all, '10.0.0.70']).size).toBe(30)
    expect(pool.free()).toBe(0)
    expect(() => pool.allocate('late')).toThrow(exhausted)
    pool.close()
  })
})
