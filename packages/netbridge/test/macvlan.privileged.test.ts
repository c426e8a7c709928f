import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ask, serve } from './support/inside.js'
import { namespaces, run, testNetworks, world } from './support/network.js'

leakCheck()

const invalid = expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' })

describeOn(['root', 'bin:ip', 'bin:nsenter'], 'macvlan networks with real traffic', () => {
  it('put containers on the network of the parent, with addresses of its own', async () => {
    using outside = world('198.51.100.1/24', '198.51.100.254/24')
    await using store = testNetworks()
    const { networks } = store
    const net = await networks.create({
      name: 'lan',
      driver: 'macvlan',
      parent: outside.link,
      subnets: [{ subnet: '198.51.100.0/24', gateway: '198.51.100.254' }, { subnet: 'fd00:51::/64' }],
    })
    using all = namespaces(2)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd, mac: '02:00:00:00:00:07' })
    const db = net.attach({ id: 'db', netnsFd: all[1]!.fd, ip: '198.51.100.77' })
    expect(web).toMatchObject({ address: '198.51.100.2', ifname: null, mac: '02:00:00:00:00:07' })
    await using _web = await serve(all[0]!.fd, 80, 'web')
    // .1 is the host's; others on the wire see the container itself, and no host
    expect(await ask(outside.netns.fd, web.address, 80)).toBe('web sees 198.51.100.254')
    expect(await ask(all[1]!.fd, web.address, 80)).toBe(`web sees ${db.address}`)
    run(all[1], 'ping', '-c1', '-W2', web.ipv6!.address)
    run(outside.netns, 'ip', 'address', 'add', '203.0.113.5/32', 'dev', 'lo')
    run(all[0], 'ping', '-c1', '-W2', '203.0.113.5') // by the default route
    expect(run(outside.netns, 'ip', 'neighbour', 'show', web.address)).toContain(web.mac)

    expect(() => net.attach({ id: 'x', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })).toThrow(invalid)
    await expect(net.serveDns()).rejects.toEqual(invalid)

    await networks.disconnect('lan', 'web', all[0]!.fd)
    expect(run(all[0], 'ip', '-o', 'link')).not.toContain('eth0')
    expect(networks.endpoints('lan').map(({ id }) => id)).toEqual(['db'])
    await networks.connect('lan', { id: 'web', netnsFd: all[0]!.fd, ip: web.address })
    expect(await ask(outside.netns.fd, web.address, 80)).toBe('web sees 198.51.100.254')
  })

  it('keep containers in private mode apart from each other', async () => {
    using outside = world('198.51.100.1/24', '198.51.100.254/24')
    await using store = testNetworks()
    const subnets = [{ subnet: '198.51.100.0/24', gateway: '198.51.100.254' }]
    const options = {
      name: 'lan',
      driver: 'macvlan',
      parent: outside.link,
      subnets,
      mode: 'private',
    } as const
    const net = await store.networks.create(options)
    using all = namespaces(2)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    net.attach({ id: 'db', netnsFd: all[1]!.fd })
    await using _web = await serve(all[0]!.fd, 80, 'web')
    expect(await ask(outside.netns.fd, web.address, 80)).toMatch(/^web sees/)
    expect(await ask(all[1]!.fd, web.address, 80, 300)).toMatch(/EINPROGRESS|EAGAIN|EALREADY|EHOSTUNREACH/)
  })

  it('hand the parent over in passthru mode', async () => {
    using outside = world('198.51.100.1/24', '198.51.100.254/24')
    await using store = testNetworks()
    const subnets = [{ subnet: '198.51.100.0/24', gateway: '198.51.100.254' }]
    const options = {
      name: 'lan',
      driver: 'macvlan',
      parent: outside.link,
      subnets,
      mode: 'passthru',
    } as const
    const net = await store.networks.create(options)
    using all = namespaces(1)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    expect(run(undefined, 'ip', '-o', 'link', 'show', outside.link)).toContain(web.mac)
    run(all[0], 'ping', '-c1', '-W2', '198.51.100.254')
    expect(() => net.attach({ id: 'x', netnsFd: all[0]!.fd, mac: '02:00:00:00:00:07' })).toThrow(invalid)
  })

  it('are not made without a parent, and leave nothing then', async () => {
    await using store = testNetworks()
    const made = store.networks.create({ name: 'lan', driver: 'macvlan', parent: 'nowhere0.7' })
    await expect(made).rejects.toEqual(
      expect.objectContaining({
        code: 'ERR_NETBRIDGE_NOT_FOUND',
        message: expect.stringMatching(/no link nowhere0$/),
      }),
    )
    expect(store.networks.list()).toEqual([])
  })
})
