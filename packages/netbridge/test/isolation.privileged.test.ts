import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ask, askFromHost, serve } from './support/inside.js'
import { namespaces, run, testNetworks, world } from './support/network.js'

leakCheck()

/** With br_netfilter a published port leads from port to port of the bridge, and these are apart. */
function bridgeFilters(): boolean {
  const path = '/proc/sys/net/bridge/bridge-nf-call-iptables'
  return existsSync(path) && readFileSync(path, 'utf8').trim() === '1'
}

const lost = /EINPROGRESS|EAGAIN|EALREADY|EHOSTUNREACH|ENETUNREACH/

describeOn(['root', 'bin:ip', 'bin:nft', 'bin:nsenter'], 'networks apart from each other', () => {
  it('without communication of containers let only published ports through', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'apart', icc: false })
    using all = namespaces(2)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    net.attach({ id: 'other', netnsFd: all[1]!.fd })
    await using _server = await serve(all[0]!.fd, 80, 'web')
    await using _hidden = await serve(all[0]!.fd, 81, 'web')
    expect(await ask(all[1]!.fd, web.address, 80, 300)).toMatch(lost)
    expect(await ask(all[1]!.fd, net.gateway, web.ports[0]!.host, 500)).toMatch(
      bridgeFilters() ? lost : /^web sees/,
    )
    expect(await askFromHost(web.address, 81)).toMatch(/^web sees/)
    // by way of the host
    run(all[1], 'ip', 'route', 'add', `${web.address}/32`, 'via', net.gateway)
    expect(await ask(all[1]!.fd, web.address, 81, 300)).toMatch(lost)
  })

  it('that are internal have no way out and none in', async () => {
    await using store = testNetworks()
    const inner = await store.networks.create({ name: 'inner', internal: true })
    const outer = await store.networks.create({ name: 'outer' })
    using outside = world('198.51.100.1/24', '198.51.100.2/24')
    using all = namespaces(3)
    const first = inner.attach({ id: 'first', netnsFd: all[0]!.fd })
    inner.attach({ id: 'second', netnsFd: all[1]!.fd })
    const web = outer.attach({ id: 'web', netnsFd: all[2]!.fd, publish: [{ container: 80 }] })
    await using _inner = await serve(all[0]!.fd, 80, 'first')
    await using _web = await serve(all[2]!.fd, 80, 'web')
    await using _world = await serve(outside.netns.fd, 80, 'world')
    expect(await ask(all[1]!.fd, first.address, 80)).toMatch(/^first sees/)
    expect(await ask(all[2]!.fd, '198.51.100.2', 80)).toMatch(/^world sees/)

    run(all[1], 'ip', 'route', 'add', 'default', 'via', inner.gateway)
    expect(await ask(all[1]!.fd, '198.51.100.2', 80, 300)).toMatch(lost)
    expect(await ask(all[1]!.fd, '198.51.100.1', web.ports[0]!.host, 300)).toMatch(lost)
    run(outside.netns, 'ip', 'route', 'add', inner.subnet, 'via', '198.51.100.1')
    expect(await ask(outside.netns.fd, first.address, 80, 300)).toMatch(lost)
  })

  it('do not believe a container that says to be another', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'guarded', ipv6: true })
    using all = namespaces(3)
    const guarded = { antiSpoofing: true }
    const victim = net.attach({ id: 'victim', netnsFd: all[0]!.fd, ...guarded })
    const liar = net.attach({ id: 'liar', netnsFd: all[1]!.fd, ...guarded })
    net.attach({ id: 'client', netnsFd: all[2]!.fd, ...guarded })
    await using _victim = await serve(all[0]!.fd, 80, 'victim')
    await using _liar = await serve(all[1]!.fd, 80, 'liar')
    await using _victim6 = await serve(all[0]!.fd, 81, 'victim', '::')
    await using _liar6 = await serve(all[1]!.fd, 81, 'liar', '::')
    const [client, thief] = [all[2]!, all[1]!]
    const set = (...args: readonly string[]): string => run(thief, 'ip', ...args)

    expect(await ask(client.fd, victim.address, 80)).toMatch(/^victim/)
    expect(await ask(client.fd, liar.address, 80)).toMatch(/^liar/)
    expect(await ask(client.fd, victim.ipv6!.address, 81)).toMatch(/^victim/)
    expect(await ask(thief.fd, victim.ipv6!.address, 81)).toMatch(/^victim/)

    // the address of another: nobody hears its ARP, nor its neighbour advertisements
    set('address', 'add', `${victim.address}/32`, 'dev', 'eth0')
    set('address', 'add', `${victim.ipv6!.address}/128`, 'dev', 'eth0', 'nodad')
    run(all[0], 'ip', 'link', 'set', 'eth0', 'down')
    run(client, 'ip', 'neighbour', 'flush', 'all')
    expect(await ask(client.fd, victim.address, 80, 500)).not.toMatch(/^liar/)
    expect(await ask(client.fd, victim.ipv6!.address, 81, 500)).not.toMatch(/^liar/)
    // without the check it would take its place
    run(undefined, 'nft', 'insert', 'rule', 'bridge', store.instance, 'senders', 'accept')
    run(client, 'ip', 'neighbour', 'flush', 'all')
    expect(await ask(client.fd, victim.address, 80, 1500)).toMatch(/^liar/)
  })

  it('drop frames of another hardware address, and forget who was detached', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'guarded' })
    using all = namespaces(2)
    const liar = net.attach({ id: 'liar', netnsFd: all[0]!.fd, antiSpoofing: true })
    net.attach({ id: 'client', netnsFd: all[1]!.fd })
    await using _liar = await serve(all[0]!.fd, 80, 'liar')
    expect(await ask(all[1]!.fd, liar.address, 80)).toMatch(/^liar/)
    run(all[0], 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:99')
    run(all[1], 'ip', 'neighbour', 'flush', 'all')
    expect(await ask(all[1]!.fd, liar.address, 80, 300)).toMatch(lost)
    liar.detach()
    const table = run(undefined, 'nft', 'list', 'table', 'bridge', store.instance)
    expect(table).not.toContain('elements')
  })
})
