import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { AddressPool } from '../src/address/address-pool.js'
import { checkPlan } from '../src/address/plan.js'
import { ask, serve } from './support/inside.js'
import { namespaces, run, testNetworks } from './support/network.js'

leakCheck()

const code = (code: string): unknown => expect.objectContaining({ code: `ERR_NETBRIDGE_${code}` })

describeOn(['root', 'bin:ip', 'bin:nft', 'bin:nsenter'], 'Networks on the real kernel', () => {
  it('makes, finds, lists and removes networks', async () => {
    await using store = testNetworks()
    const { networks, instance } = store
    const bridge = `${instance}x`
    const made = await networks.create({
      name: 'backend',
      bridge,
      subnets: [{ subnet: '10.121.0.0/24', gateway: '10.121.0.254', range: '10.121.0.128/25' }],
      mtu: 1400,
      labels: { stage: 'test' },
    })
    await networks.create({ name: 'other' })
    expect(networks.list().map(({ name }) => name)).toEqual(['backend', 'other'])
    expect(networks.inspect(made.info.id.slice(0, 8))).toEqual(made.info)
    expect(made.info).toMatchObject({ driver: 'bridge', bridge, mtu: 1400, labels: { stage: 'test' } })
    expect(run(undefined, 'ip', '-o', 'address', 'show', 'dev', bridge)).toContain('10.121.0.254/24')
    expect(run(undefined, 'nft', 'list', 'set', 'inet', instance, 'bridges').match(/"[^"]+"/g)).toHaveLength(
      2,
    )

    await expect(networks.create({ name: 'backend' })).rejects.toEqual(code('EXISTS'))
    await expect(networks.create({ name: 'third', bridge })).rejects.toEqual(code('EXISTS'))
    const overlapping = [{ subnet: '10.121.0.0/16' }]
    await expect(networks.create({ name: 'third', subnets: overlapping })).rejects.toEqual(
      code('SUBNET_CONFLICT'),
    )
    expect(() => networks.inspect('third')).toThrow(code('NOT_FOUND'))
    await expect(networks.get('third')).rejects.toEqual(code('NOT_FOUND'))

    using all = namespaces(1)
    const endpoint = made.attach({ id: 'one', netnsFd: all[0]!.fd })
    expect(endpoint.address).toBe('10.121.0.129')
    await expect(networks.remove('backend')).rejects.toEqual(code('IN_USE'))
    endpoint.detach()
    await networks.remove('backend')
    expect(networks.list().map(({ name }) => name)).toEqual(['other'])
    expect(run(undefined, 'ip', '-o', 'link')).not.toContain(bridge)
    expect(run(undefined, 'nft', 'list', 'tables')).toContain(instance)
    await networks.remove('other')
    expect(run(undefined, 'nft', 'list', 'tables')).not.toContain(instance)
  })

  it('makes them again after a reboot, when they are used', async () => {
    await using store = testNetworks()
    const { networks, folder, instance } = store
    const made = await networks.create({ name: 'backend', ipv6: true })
    await networks.close()
    // what a reboot leaves: the description
    run(undefined, 'ip', 'link', 'delete', made.bridge)
    run(undefined, 'nft', 'delete', 'table', 'inet', instance)
    rmSync(`${folder}/run`, { recursive: true })

    await using after = store.again()
    const other = await after.create({ name: 'other' }) // does not take the subnet that is not there yet
    const [again, same] = [await after.get('backend'), await after.get('backend')]
    expect(again).toBe(same)
    expect(again.info).toEqual(made.info)
    expect(other.subnet).not.toBe(again.subnet)
    using all = namespaces(2)
    again.attach({ id: 'one', netnsFd: all[0]!.fd })
    const { address, ipv6 } = again.attach({ id: 'two', netnsFd: all[1]!.fd })
    run(all[0], 'ping', '-c1', '-W2', address)
    run(all[0], 'ping', '-c1', '-W2', ipv6!.address)
  })

  it('goes on without a network whose record is damaged, and names the file', async () => {
    await using store = testNetworks()
    const bad = await store.networks.create({ name: 'bad' })
    await store.networks.create({ name: 'good' })
    await store.networks.close()
    const file = `${store.folder}/lib/bad.json`
    const record = readFileSync(file)
    writeFileSync(file, '\0'.repeat(record.length)) // as power failures leave them
    await using networks = store.again()
    expect(networks.list().map(({ name }) => name)).toEqual(['good'])
    const [damaged, ...more] = networks.damaged()
    expect(damaged).toEqual({ name: 'bad', error: code('STATE') })
    expect(damaged!.error.message).toContain(file)
    expect(more).toEqual([])
    await expect(networks.create({ name: 'bad' })).rejects.toEqual(code('STATE'))
    using all = namespaces(1)
    ;(await networks.get('good')).attach({ id: 'one', netnsFd: all[0]!.fd })
    expect(await networks.cleanup([])).toEqual(['one'])

    writeFileSync(file, record)
    expect(networks.damaged()).toEqual([])
    expect((await networks.get('bad')).info).toEqual(bad.info)
    await networks.remove('bad')
    await networks.create({ name: 'bad' })
    const { bridge } = await networks.get('bad')
    writeFileSync(file, '{}')
    await networks.close()
    await networks.removeAll()
    expect(networks.damaged()).toEqual([])
    run(undefined, 'ip', 'link', 'delete', bridge) // which network it was of was not to be read
  })

  it('connects a running container to several networks, and takes it off again', async () => {
    await using store = testNetworks()
    const { networks } = store
    const [front, back] = [await networks.create({ name: 'front' }), await networks.create({ name: 'back' })]
    using all = namespaces(3)
    const [proxy, web, db] = [all[0]!, all[1]!, all[2]!]
    front.attach({ id: 'proxy', netnsFd: proxy.fd })
    front.attach({ id: 'web', netnsFd: web.fd })
    const server = back.attach({ id: 'db', netnsFd: db.fd })
    await using _server = await serve(db.fd, 5432, 'db')
    expect(await ask(web.fd, server.address, 5432, 300)).toMatch(/EINPROGRESS|EAGAIN|EALREADY/)

    const second = await networks.connect('back', { id: 'web', netnsFd: web.fd, names: ['api'] })
    expect(second).toMatchObject({ name: 'eth1', names: ['api'] })
    expect(await ask(web.fd, server.address, 5432)).toBe(`db sees ${second.address}`)
    expect(run(web, 'ip', 'route', 'show', 'default')).toContain(`via ${front.gateway} dev eth0`)
    expect(networks.endpointsOf('web').map(({ network, name }) => [network, name])).toEqual([
      ['back', 'eth1'],
      ['front', 'eth0'],
    ])

    await networks.disconnect('front', 'web', web.fd)
    expect(run(web, 'ip', 'route', 'show', 'default')).toContain(`via ${back.gateway} dev eth1`)
    await expect(networks.disconnect('front', 'web', web.fd)).rejects.toEqual(code('NOT_FOUND'))
    expect(networks.endpoints('front').map(({ id }) => id)).toEqual(['proxy'])
    expect(await ask(web.fd, server.address, 5432)).toMatch(/^db sees/)
    // the name of the interface that was left is free again
    expect(await networks.connect('front', { id: 'web', netnsFd: web.fd })).toMatchObject({ name: 'eth0' })
    expect(await networks.cleanup(['web'])).toEqual(expect.arrayContaining(['proxy', 'db']))
  })

  it('gives IPv6 addresses of its own choice, or those that are asked for', async () => {
    await using store = testNetworks()
    const { networks, folder } = store
    const named = await networks.create({ name: 'named', subnets: [{ subnet: 'fd12:3456::/64' }] })
    using all = namespaces(3)
    const first = named.attach({ id: 'a', netnsFd: all[0]!.fd })
    const second = named.attach({ id: 'b', netnsFd: all[1]!.fd, ip6: 'fd12:3456::42' })
    expect(first.ipv6).toEqual({ address: 'fd12:3456::2', prefixLength: 64, gateway: 'fd12:3456::1' })
    run(all[0], 'ping', '-c1', '-W2', second.ipv6!.address)
    run(all[0], 'ping', '-c1', '-W2', 'fd12:3456::1')
    expect(run(all[0], 'ip', '-6', 'route', 'show', 'default')).toContain('via fd12:3456::1 dev eth0')
    expect(() => named.attach({ id: 'c', netnsFd: all[2]!.fd, ip6: 'fd12:3456::42' })).toThrow(
      code('ADDRESS_TAKEN'),
    )
    const taken = (subnet: string): string[] => {
      const pool = new AddressPool(`${folder}/run/networks/named`, checkPlan({ subnet }))
      const addresses = pool.entries().map(([address]) => address)
      pool.close()
      return addresses
    }
    expect(taken(named.subnet)).toHaveLength(2) // the third one's was given back
    second.detach()
    expect(taken('fd12:3456::/64')).toEqual(['fd12:3456::2'])

    const plain = await networks.create({ name: 'plain' })
    expect(() => plain.attach({ id: 'c', netnsFd: all[2]!.fd, ip6: 'fd00::2' })).toThrow(code('INVALID_ARG'))
    const conflict = networks.create({ name: 'same', subnets: [{ subnet: 'fd12:3456::/60' }] })
    await expect(conflict).rejects.toEqual(code('SUBNET_CONFLICT'))
  })

  it('gives no way out of an internal network', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'inner', internal: true, ipv6: true })
    using all = namespaces(2)
    net.attach({ id: 'a', netnsFd: all[0]!.fd })
    const other = net.attach({ id: 'b', netnsFd: all[1]!.fd })
    expect(run(all[0], 'ip', 'route', 'show', 'default')).toBe('')
    expect(run(all[0], 'ip', '-6', 'route', 'show', 'default')).toBe('')
    run(all[0], 'ping', '-c1', '-W2', other.address)
  })
})
