import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { interfaceStats, Netbridge, type Bandwidth } from '../src/index.js'
import { transfer } from './support/bulk.js'
import { inside } from './support/inside.js'
import { namespaces, run, testNetwork } from './support/network.js'

leakCheck()

const SIZE = 3_000_000
const ingressRate = 8_000_000 // a megabyte a second
const egressRate = 16_000_000

const disciplines = (link: string): string => run(undefined, 'tc', 'qdisc', 'show', 'dev', link)
const links = (): string => run(undefined, 'ip', '-o', 'link')

describeOn(['root', 'bin:ip', 'bin:tc', 'bin:nsenter'], 'bandwidth and statistics with real traffic', () => {
  it('are limited and counted in both directions', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const free = network.net.attach({ id: 'free', netnsFd: all[0]!.fd })
    const slow = network.net.attach({
      id: 'slow',
      netnsFd: all[1]!.fd,
      bandwidth: { ingressRate, egressRate },
    })
    expect(slow.bandwidth).toEqual({ ingressRate, egressRate })
    expect(free.bandwidth).toBeUndefined()
    const [toSlow, toFree] = [
      { netnsFd: all[1]!.fd, address: slow.address },
      { netnsFd: all[0]!.fd, address: free.address },
    ]
    // 3 s and 1.5 s, less what may pass at once
    expect(await transfer(all[0]!.fd, toSlow, SIZE)).toBeGreaterThan(2)
    expect(await transfer(all[1]!.fd, toFree, SIZE)).toBeGreaterThan(1)

    const stats = slow.stats()
    expect(stats.rxBytes).toBeGreaterThan(SIZE)
    expect(stats.txBytes).toBeGreaterThan(SIZE)
    expect(stats.rxPackets).toBeGreaterThan(100) // far fewer than 2000 frames: large segments
    expect(free.stats().txBytes).toBeGreaterThan(SIZE)
    expect([stats.rxErrors, stats.txErrors]).toEqual([0, 0])
    inside(all[1]!.fd, () => {
      const own = interfaceStats(process.pid)!['eth0']!
      expect(own.rxBytes).toBe(slow.stats().rxBytes)
      expect(own.txBytes).toBe(slow.stats().txBytes)
    })
  })

  it('are changed while it runs, by any process that has the network open, and go with the endpoint', async () => {
    await using network = await testNetwork()
    const { net, state, instance } = network
    using all = namespaces(2)
    net.attach({ id: 'one', netnsFd: all[0]!.fd })
    const two = net.attach({ id: 'two', netnsFd: all[1]!.fd })
    const to = { netnsFd: all[1]!.fd, address: two.address }
    expect(disciplines(two.ifname!)).not.toContain('tbf')

    const again = await Netbridge.open({ state, instance })
    expect(again.endpoint('two')!.setBandwidth({ ingressRate })).toEqual({ ingressRate })
    expect(disciplines(two.ifname!)).toMatch(/tbf .*rate 8Mbit burst 64Kb lat 25(\.0)?ms/)
    expect(net.endpoint('two')!.bandwidth).toEqual({ ingressRate })
    expect(await transfer(all[0]!.fd, to, SIZE)).toBeGreaterThan(2)

    two.setBandwidth({ ingressRate: 2 * ingressRate, egressRate, egressBurst: 1_000_000 })
    const ifb = two.ifname!.replace('ctr', 'cti')
    expect(disciplines(two.ifname!)).toMatch(/tbf .*rate 16Mbit[^]*ingress/)
    expect(disciplines(ifb)).toMatch(/tbf .*rate 16Mbit burst 12\d{4}b/)
    two.setBandwidth({ ingressRate: 40e9, egressRate: 40e9 }) // more than 32 bits of bytes a second
    expect(disciplines(ifb)).toMatch(/tbf .*rate 40Gbit/)

    two.setBandwidth({ egressRate })
    expect(disciplines(two.ifname!)).not.toContain('tbf')
    expect(two.setBandwidth({})).toBeUndefined()
    expect(disciplines(two.ifname!)).not.toMatch(/tbf|ingress/)
    expect(net.endpoint('two')!.bandwidth).toBeUndefined()
    expect(
      await transfer(all[1]!.fd, { netnsFd: all[0]!.fd, address: net.endpoint('one')!.address }, SIZE),
    ).toBeGreaterThan(0)

    // once more at once: the ifb of before may still wait for its deletion
    two.setBandwidth({ egressRate })
    expect(disciplines(ifb)).toContain('tbf')
    again.endpoint('two')!.detach()
    await again.close()
    expect(links()).not.toContain(ifb)
  })

  it('leave nothing when the owner was killed, or the endpoint cannot be made', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const { net, state, instance } = network
    const attach = (bandwidth: Bandwidth, name?: string): (() => unknown) => {
      return () => net.attach({ id: 'c', netnsFd: all[0]!.fd, bandwidth, name })
    }
    expect(attach({ ingressRate: 1 })).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }))
    expect(attach({ egressRate }, 'lo')).toThrow(/EEXIST/)
    attach({ egressRate })()
    const again = await Netbridge.open({ state, instance })
    expect(again.cleanup([])).toEqual(['c'])
    await again.close()
    expect(links()).not.toMatch(/cti/)
    expect(() => net.endpoint('c')?.stats()).not.toThrow()
    expect(net.endpoint('c')).toBeUndefined()
  })
})

describeOn(['root', 'bin:ip'], 'Endpoint.stats() and setBandwidth()', () => {
  it('say when the endpoint is no longer there', async () => {
    await using network = await testNetwork()
    using all = namespaces(1)
    const endpoint = network.net.attach({ id: 'c', netnsFd: all[0]!.fd })
    endpoint.detach({ netnsFd: all[0]!.fd })
    const gone = expect.objectContaining({ code: 'ERR_NETBRIDGE_NOT_FOUND' })
    expect(() => endpoint.stats()).toThrow(gone)
    expect(() => endpoint.setBandwidth({ ingressRate })).toThrow(gone)
  })
})
