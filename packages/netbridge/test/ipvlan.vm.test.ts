import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ask, serve } from './support/inside.js'
import { namespaces, run, testNetworks, world } from './support/network.js'

leakCheck()

const subnets = [{ subnet: '198.51.100.0/24', gateway: '198.51.100.254' }, { subnet: 'fd00:51::/64' }]

describeOn(['root', 'bin:ip', 'bin:nsenter'], 'ipvlan networks with real traffic', () => {
  it('put containers on the network of the parent, with its hardware address', async () => {
    using outside = world('198.51.100.1/24', '198.51.100.254/24')
    await using store = testNetworks()
    const options = { name: 'lan', driver: 'ipvlan', parent: outside.link, subnets } as const
    const net = await store.networks.create(options)
    using all = namespaces(2)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    const db = net.attach({ id: 'db', netnsFd: all[1]!.fd })
    expect(net.info.mode).toBe('l2')
    expect(run(undefined, 'ip', '-o', 'link', 'show', outside.link)).toContain(web.mac)
    await using _web = await serve(all[0]!.fd, 80, 'web')
    expect(await ask(outside.netns.fd, web.address, 80)).toBe('web sees 198.51.100.254')
    expect(await ask(all[1]!.fd, web.address, 80)).toBe(`web sees ${db.address}`)
    run(all[1], 'ping', '-c1', '-W5', web.ipv6!.address)
    expect(() => net.attach({ id: 'x', netnsFd: all[0]!.fd, mac: '02:00:00:00:00:07' })).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }),
    )
    await store.networks.disconnect('lan', 'web', all[0]!.fd)
    expect(run(all[0], 'ip', '-o', 'link')).not.toContain('eth0')
  })

  it.each(['l3', 'l3s'] as const)('route packets in mode %s, whatever their subnet', async (mode) => {
    using outside = world('198.51.100.1/24', '198.51.100.254/24')
    await using store = testNetworks()
    const inner = [{ subnet: '10.77.0.0/24' }]
    const options = { name: 'lan', driver: 'ipvlan', parent: outside.link, subnets: inner, mode } as const
    const net = await store.networks.create(options)
    using all = namespaces(1)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    expect(run(all[0], 'ip', 'route', 'show', 'default')).toContain('default dev eth0 scope link')
    run(outside.netns, 'ip', 'route', 'add', net.subnet, 'via', '198.51.100.1')
    await using _web = await serve(all[0]!.fd, 80, 'web')
    expect(await ask(outside.netns.fd, web.address, 80)).toBe('web sees 198.51.100.254')
  })
})

describeOn(['root', 'bin:ip', 'bin:nsenter'], 'networks on a VLAN with real traffic', () => {
  it('make it when it is not there, and take it away with the last of them', async () => {
    using outside = world('192.0.2.1/24', '192.0.2.2/24')
    run(outside.netns, 'ip', 'link', 'add', 'link', 'up0', 'name', 'up0.10', 'type', 'vlan', 'id', '10')
    run(outside.netns, 'ip', 'address', 'add', '198.51.100.254/24', 'dev', 'up0.10')
    run(outside.netns, 'ip', 'link', 'set', 'up0.10', 'up')
    await using store = testNetworks()
    const { networks } = store
    const parent = `${outside.link}.10`
    const net = await networks.create({ name: 'lan', driver: 'macvlan', parent, subnets })
    await networks.create({ name: 'more', driver: 'macvlan', parent, subnets: [{ subnet: '10.78.0.0/24' }] })
    using all = namespaces(1)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    await using _web = await serve(all[0]!.fd, 80, 'web')
    expect(await ask(outside.netns.fd, web.address, 80)).toBe('web sees 198.51.100.254')
    await networks.disconnect('lan', 'web', all[0]!.fd)
    await networks.remove('lan')
    expect(run(undefined, 'ip', '-o', 'link')).toContain(`${parent}@`)
    await networks.remove('more')
    expect(run(undefined, 'ip', '-o', 'link')).not.toContain(`${parent}@`)
  })

  it('leave one alone that was there', async () => {
    using outside = world('192.0.2.1/24', '192.0.2.2/24')
    const parent = `${outside.link}.10`
    run(undefined, 'ip', 'link', 'add', 'link', outside.link, 'name', parent, 'type', 'vlan', 'id', '10')
    await using store = testNetworks()
    await store.networks.create({ name: 'lan', driver: 'ipvlan', parent, subnets })
    await store.networks.remove('lan')
    expect(run(undefined, 'ip', '-o', 'link')).toContain(`${parent}@`)
    run(undefined, 'ip', 'link', 'delete', parent)
  })
})
