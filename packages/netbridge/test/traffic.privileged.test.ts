import { createServer } from 'node:net'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createNetworkNamespace } from '../src/index.js'
import { ask, askFromHost, askUdpFromHost, serve, serveUdp } from './support/inside.js'
import { namespaces, run, testNetwork, uniqueInstance } from './support/network.js'

leakCheck()

/** An address of this machine that is not a loopback one. */
function hostAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)
  return found?.address ?? '127.0.0.2'
}

describeOn(['root', 'bin:ip', 'bin:nsenter'], 'published ports with real traffic', () => {
  it('lead from localhost, from an address of the host, and from containers to the container', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const web = network.net.attach({ id: 'web', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    const other = network.net.attach({ id: 'other', netnsFd: all[1]!.fd })
    await using _server = await serve(all[0]!.fd, 80, 'web')
    const port = web.ports[0]!.host
    const { gateway } = network.net

    expect(await askFromHost('127.0.0.1', port)).toBe(`web sees ${gateway}`)
    expect(await askFromHost(hostAddress(), port)).toMatch(/^web sees /)
    expect(await askFromHost(gateway, port)).toMatch(/^web sees /)
    expect(await ask(all[1]!.fd, web.address, 80)).toBe(`web sees ${other.address}`)
    expect(await ask(all[1]!.fd, hostAddress(), port)).toBe(`web sees ${gateway}`)
    expect(await ask(all[1]!.fd, gateway, port)).toBe(`web sees ${gateway}`)
    expect(await ask(all[0]!.fd, hostAddress(), port)).toBe(`web sees ${gateway}`)

    web.detach()
    expect(await askFromHost('127.0.0.1', port)).toBe('ECONNREFUSED')
  })

  it('carry UDP', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    const endpoint = network.net.attach({
      id: 'dns',
      netnsFd: netns.fd,
      publish: [{ container: 53, protocol: 'udp' }],
    })
    await using _server = await serveUdp(netns.fd, 53, 'dns')
    expect(await askUdpFromHost('127.0.0.1', endpoint.ports[0]!.host)).toBe(`dns sees ${network.net.gateway}`)
  })

  it('on one address of the host are not there on the others', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    const publish = [{ container: 80, hostIp: '127.0.0.1' }]
    const endpoint = network.net.attach({ id: 'web', netnsFd: netns.fd, publish })
    await using _server = await serve(netns.fd, 80, 'web')
    expect(await askFromHost('127.0.0.1', endpoint.ports[0]!.host)).toBe(`web sees ${network.net.gateway}`)
    expect(await askFromHost(network.net.gateway, endpoint.ports[0]!.host)).toBe('ECONNREFUSED')
  })

  it('that are taken are refused, by publications and by programs of the host', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const taken = expect.objectContaining({ code: 'ERR_NETBRIDGE_PORT_TAKEN' })
    const first = network.net.attach({ id: 'first', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    const { host } = first.ports[0]!
    const attach = (publish: Parameters<typeof network.net.attach>[0]['publish']) => () =>
      network.net.attach({ id: 'second', netnsFd: all[1]!.fd, publish })
    expect(attach([{ host, container: 81 }])).toThrow(taken)
    expect(attach([{ host, container: 81, hostIp: '127.0.0.1' }])).toThrow(taken)
    expect(attach([{ host, container: 81 }])).toThrow(/address already in use by endpoint .*first/)
    first.detach()
    network.net.attach({
      id: 'third',
      netnsFd: all[0]!.fd,
      publish: [{ host, container: 80, hostIp: '127.0.0.1' }],
    })
    expect(attach([{ host, container: 81 }])).toThrow(taken)

    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(attach([{ host: port, container: 80 }])).toThrow(/address already in use by a program of the host/)
    server.close()
    expect(attach([{ container: 80, hostIp: '203.0.113.9' }])).toThrow(/is no address of this host/)
    attach([{ host: port, container: 80 }])()
  })
})

describeOn(['root', 'bin:ip', 'bin:nft', 'bin:nsenter'], 'a network with real traffic', () => {
  it('is masqueraded towards the world, and closed to it but for published ports', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const [container, world] = [all[0]!, all[1]!]
    const link = uniqueInstance().slice(0, 14)
    run(
      undefined,
      'ip',
      'link',
      'add',
      link,
      'type',
      'veth',
      'peer',
      'name',
      'up0',
      'netns',
      `/proc/${process.pid}/fd/${world.fd}`,
    )
    run(undefined, 'ip', 'address', 'add', '198.51.100.1/24', 'dev', link)
    run(undefined, 'ip', 'link', 'set', link, 'up')
    run(world, 'ip', 'address', 'add', '198.51.100.2/24', 'dev', 'up0')
    run(world, 'ip', 'link', 'set', 'up0', 'up')
    try {
      const web = network.net.attach({ id: 'web', netnsFd: container.fd, publish: [{ container: 80 }] })
      await using _web = await serve(container.fd, 80, 'web')
      await using _hidden = await serve(container.fd, 81, 'hidden')
      await using _world = await serve(world.fd, 80, 'world')
      expect(await ask(container.fd, '198.51.100.2', 80)).toBe('world sees 198.51.100.1')
      expect(await ask(world.fd, '198.51.100.1', web.ports[0]!.host)).toBe('web sees 198.51.100.2')

      // a neighbour that routes to the network by hand reaches nothing that was not published
      run(world, 'ip', 'route', 'add', network.net.subnet, 'via', '198.51.100.1')
      expect(await ask(world.fd, web.address, 81, 500)).toMatch(/EINPROGRESS|EAGAIN|EALREADY/)
    } finally {
      run(undefined, 'ip', 'link', 'delete', link)
    }
  })

  it('is apart from other networks of the instance, which its published ports are not', async () => {
    await using first = await testNetwork()
    const { state, instance } = first
    await using second = await testNetwork({ state, instance, bridge: `${instance}b`.slice(0, 15) })
    using all = namespaces(2)
    const web = first.net.attach({ id: 'web', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    second.net.attach({ id: 'client', netnsFd: all[1]!.fd })
    await using _server = await serve(all[0]!.fd, 80, 'web')
    expect(await ask(all[1]!.fd, web.address, 80, 500)).toMatch(/EINPROGRESS|EAGAIN|EALREADY/)
    expect(await ask(all[1]!.fd, first.net.gateway, web.ports[0]!.host)).toMatch(/^web sees /)
  })

  it('does not let containers reach what listens on the localhost of the host', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    network.net.attach({ id: 'one', netnsFd: netns.fd })
    const server = createServer((client) => client.end('secret')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    run(netns, 'ip', 'address', 'delete', '127.0.0.1/8', 'dev', 'lo')
    run(netns, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet')
    run(netns, 'ip', 'route', 'add', '127.0.0.0/8', 'via', network.net.gateway)
    expect(await ask(netns.fd, '127.0.0.1', port, 500)).not.toBe('secret')
    run(undefined, 'nft', 'insert', 'rule', 'inet', network.instance, 'guard', 'accept')
    expect(await ask(netns.fd, '127.0.0.1', port, 500)).toBe('secret') // it is the guard that keeps it
    server.close()
  })
})
