import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { PR_SET_DUMPABLE, syscall } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { createNetworkNamespace, loopbackUp, Netbridge } from '../src/index.js'
import { askFromHost, serve } from './support/inside.js'
import { namespaces, run, testNetwork, testNetworks } from './support/network.js'

leakCheck()

describeOn(['root', 'bin:ip', 'bin:nsenter', 'bin:nft'], 'Netbridge.attach() on the real kernel', () => {
  it('gives the namespace lo, eth0, an address and a default route', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    const endpoint = network.net.attach({ id: 'one', netnsFd: netns.fd })
    const links = JSON.parse(run(netns, 'ip', '-json', '-4', 'address')) as {
      ifname: string
      flags: string[]
      addr_info: { local: string; prefixlen: number; broadcast?: string }[]
    }[]
    expect(links.map(({ ifname }) => ifname)).toEqual(['lo', 'eth0'])
    expect(links.every(({ flags }) => flags.includes('UP'))).toBe(true)
    expect(links[1]!.addr_info[0]).toMatchObject({
      local: endpoint.address,
      prefixlen: endpoint.prefixLength,
    })
    expect(run(netns, 'ip', 'route', 'show', 'default')).toContain(`via ${network.net.gateway} dev eth0`)
    expect(readFileSync(`/sys/class/net/${endpoint.ifname}/master/uevent`, 'utf8')).toContain(
      network.net.bridge,
    )
    run(netns, 'ping', '-c1', '-W2', network.net.gateway)
  })

  it('is through when it returns: what is sent to the container at once does not get lost', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'six', ipv6: true })
    using all = namespaces(8)
    for (const [number, { fd }] of all.entries()) {
      const { ifname, ipv6 } = net.attach({ id: `c${number}`, netnsFd: fd })
      expect(readFileSync(`/sys/class/net/${ifname!}/operstate`, 'utf8')).toBe('up\n')
      expect(readFileSync(`/sys/class/net/${ifname!}/brport/state`, 'utf8')).toBe('3\n') // forwarding
      await using _server = await serve(fd, 80, 'six', '::')
      expect(await askFromHost(ipv6!.address, 80)).toMatch(/^six sees /)
    }
  })

  it('takes name, address and hardware address as asked for', async () => {
    await using network = await testNetwork({ mtu: 1400 })
    using netns = createNetworkNamespace()
    const ip = network.net.gateway.replace(/\.1$/, '.77')
    const endpoint = network.net.attach({
      id: 'one',
      netnsFd: netns.fd,
      name: 'net7',
      ip,
      mac: '02:00:5E:10:00:07',
    })
    expect(endpoint).toMatchObject({ address: ip, mac: '02:00:5e:10:00:07', name: 'net7' })
    const [link] = JSON.parse(run(netns, 'ip', '-json', 'link', 'show', 'net7')) as {
      address: string
      mtu: number
    }[]
    expect(link).toMatchObject({ address: '02:00:5e:10:00:07', mtu: 1400 })
  })

  it('leaves nothing when the kernel refuses half-way', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    run(netns, 'ip', 'link', 'add', 'eth0', 'type', 'bridge')
    const options = { id: 'one', netnsFd: netns.fd, publish: [{ host: 0, container: 80 }] }
    expect(() => network.net.attach(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_NETBRIDGE_KERNEL',
        errnoCode: 'EEXIST',
        request: expect.stringMatching(/veth/),
      }),
    )
    expect(network.net.endpoints()).toEqual([])
    expect(run(undefined, 'nft', 'list', 'map', 'inet', network.instance, 'ports')).not.toContain('elements')
    run(netns, 'ip', 'link', 'delete', 'eth0')
    network.net.attach(options).detach()
  })

  it('leaves nothing when the descriptor is no network namespace', async () => {
    await using network = await testNetwork()
    expect(() => network.net.attach({ id: 'one', netnsFd: 0 })).toThrow(/cannot create veth/)
    expect(network.net.endpoints()).toEqual([])
  })

  it('refuses a second endpoint of an id, and an address that somebody has', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const first = network.net.attach({ id: 'one', netnsFd: all[0]!.fd })
    expect(() => network.net.attach({ id: 'one', netnsFd: all[1]!.fd })).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_EXISTS' }),
    )
    expect(() => network.net.attach({ id: 'two', netnsFd: all[1]!.fd, ip: first.address })).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_ADDRESS_TAKEN' }),
    )
    expect(network.net.endpoints()).toHaveLength(1)
  })

  it('can be taken back at once and attached again under the same address', async () => {
    await using network = await testNetwork()
    using all = namespaces(2)
    const first = network.net.attach({ id: 'one', netnsFd: all[0]!.fd })
    first.detach()
    first.detach()
    expect(readFileSync(`/sys/class/net/${first.ifname}/operstate`, 'utf8').trim()).toBe('down')
    network.net.attach({ id: 'one', netnsFd: all[1]!.fd, ip: first.address })
    run(all[1], 'ping', '-c1', '-W2', network.net.gateway)
  })

  it('deletes links in the background, by close() at the latest', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    const { state, instance } = network
    const second = await Netbridge.open({ state, instance })
    const endpoint = second.attach({ id: 'one', netnsFd: netns.fd })
    endpoint.detach()
    await second.close()
    expect(existsSync(`/sys/class/net/${endpoint.ifname}`)).toBe(false)
    expect(() => second.endpoints()).toThrow(expect.objectContaining({ code: 'ERR_NETBRIDGE_CLOSED' }))
  })

  it('can attach again at once to the namespace that was just left', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    network.net.attach({ id: 'one', netnsFd: netns.fd }).detach()
    network.net.attach({ id: 'one', netnsFd: netns.fd })
    run(netns, 'ping', '-c1', '-W2', network.net.gateway)
  })

  it('serves 20 side by side, each with an address and a port of its own', async () => {
    await using network = await testNetwork()
    using all = namespaces(20)
    const endpoints = await Promise.all(
      all.map(async (netns, index) => {
        await Promise.resolve()
        return network.net.attach({ id: `n${index}`, netnsFd: netns.fd, publish: [{ container: 80 }] })
      }),
    )
    expect(new Set(endpoints.map(({ address }) => address)).size).toBe(20)
    expect(new Set(endpoints.map(({ ports }) => ports[0]!.host)).size).toBe(20)
    expect(network.net.endpoints()).toHaveLength(20)
    run(all[3], 'ping', '-c1', '-W2', endpoints[17]!.address)
    for (const endpoint of endpoints) endpoint.detach()
    expect(network.net.endpoints()).toEqual([])
  })
})

describeOn(['root', 'bin:nsenter'], 'loopbackUp() on the real kernel', () => {
  it('sets lo up in a namespace without a network, and leaves the thread where it was', () => {
    using netns = createNetworkNamespace()
    loopbackUp(netns.fd)
    run(netns, 'ping', '-c1', '-W2', '127.0.0.1')
    expect(readFileSync('/proc/thread-self/net/dev', 'utf8')).toBe(readFileSync('/proc/self/net/dev', 'utf8'))
  })
})

describeOn(['root'], 'without privileges', () => {
  it('says so, and leaves the thread where it was', async () => {
    await using network = await testNetwork()
    using netns = createNetworkNamespace()
    const before = readlinkSync('/proc/thread-self/ns/net')
    const denied = expect.objectContaining({ code: 'ERR_NETBRIDGE_PERMISSION', errnoCode: 'EPERM' })
    process.seteuid!(65_534)
    try {
      expect(() => createNetworkNamespace()).toThrow(denied)
      expect(() => loopbackUp(netns.fd)).toThrow(denied)
    } finally {
      process.seteuid!(0)
      syscall('prctl', PR_SET_DUMPABLE, 1) // which a process that changes its ids is no more, to the tests after this
    }
    expect(() => loopbackUp(0)).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_KERNEL', errnoCode: 'EINVAL' }),
    )
    expect(readlinkSync('/proc/thread-self/ns/net')).toBe(before)
    expect(network.net.endpoints()).toEqual([])
  })
})
