import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import type { EndpointInfo, NetworkExplanation, NetworkInfo, OverlayPeer } from '../src/index.js'
import { openStore } from '../src/overlay/open-store.js'
import { startEtcd } from './support/etcd.js'
import { run } from './support/network.js'
import { SWITCH, testHosts, until, type TestHost } from './support/overlay.js'

leakCheck()

const fdb = (host: TestHost, { id }: NetworkInfo): string =>
  run(host.netns, 'bridge', 'fdb', 'show', 'dev', `vx-${id.slice(0, 12)}`)
const peersOf = (host: TestHost): Promise<OverlayPeer[]> => host.tell('peers')
const attach = (host: TestHost, id: string, ip?: string): Promise<EndpointInfo> =>
  host.tell('attach', { id, ip })
const knows =
  (...ids: readonly string[]) =>
  (peers: readonly OverlayPeer[]): boolean =>
    ids.every((id) => peers.some(({ endpoints }) => endpoints.some((endpoint) => endpoint.id === id)))

describeOn(
  ['root', 'bin:ip', 'bin:nsenter', 'bin:bridge', 'bin:etcd'],
  'overlay networks of several hosts',
  () => {
    it('join containers of three hosts, by addresses that no two of them get', async () => {
      await using wire = testHosts(['a', 'b', 'c'])
      await using etcd = await startEtcd(SWITCH)
      const [a, b, c] = wire.hosts as [TestHost, TestHost, TestHost]
      const options = {
        name: 'ov',
        driver: 'overlay',
        ipv6: true,
        overlay: { store: etcd.url, ttlSeconds: 2 },
      }
      const infos = await Promise.all(wire.hosts.map((host) => host.tell<NetworkInfo>('create', { options })))
      const [info] = infos as [NetworkInfo]
      for (const [index, other] of infos.entries()) {
        const { id, subnets, mtu } = other
        expect({ id, subnets, mtu }).toEqual({ id: info.id, subnets: info.subnets, mtu: 1450 })
        expect(other.overlay).toMatchObject({
          vni: info.overlay!.vni,
          port: 4789,
          local: wire.hosts[index]!.address,
        })
      }
      await expect(
        c.tell('create', {
          options: { ...options, name: 'other', overlay: { store: etcd.url, vni: info.overlay!.vni } },
        }),
      ).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_EXISTS' })

      const ids = ['one', 'two', 'three', 'four', 'five']
      const all = (
        await Promise.all(
          wire.hosts.map((host, at) => Promise.all(ids.map((id) => attach(host, `${id}-${'abc'[at]}`)))),
        )
      ).flat()
      expect(new Set(all.flatMap(({ address, ipv6 }) => [address, ipv6!.address])).size).toBe(30)
      await until(() => peersOf(a), knows('one-b', 'five-b', 'one-c', 'five-c'))
      await until(() => peersOf(c), knows('one-a', 'one-b', 'five-b'))
      const [web] = all.filter(({ id }) => id === 'one-c') as [EndpointInfo]
      const [client] = all.filter(({ id }) => id === 'two-a') as [EndpointInfo]
      expect(await a.tell('ask', { id: 'two-a', address: web.address })).toBe(`one-c sees ${client.address}`)
      expect(await a.tell('ask', { id: 'two-a', address: web.ipv6!.address, port: 81 })).toBe(
        `one-c sees ${client.ipv6!.address}`,
      )
      // the largest packet, which is not cut on the way
      await a.tell('ping', { id: 'two-a', address: web.address, size: 1450 - 28 })
      expect(await b.tell('ask', { id: 'two-b', address: web.address })).toMatch(/^one-c sees /)
      expect(await a.tell('lookup', { id: 'name-of-one-c' })).toEqual([web.address])

      const { journeys } = await a.tell<NetworkExplanation>('explain')
      const journey = journeys.find(({ title }) => title.startsWith('To a container of another host'))
      expect(journey?.steps.join()).toContain(`a UDP packet from ${a.address} to `)

      // who is where, as the kernel knows it, and nothing that it would have to learn
      expect(fdb(a, info)).toContain(`${web.mac} dst ${c.address} self permanent`)
      expect(fdb(a, info)).toContain(`${web.mac} master ${info.bridge} static`)
      expect(run(a.netns, 'ip', 'neigh', 'show', 'dev', info.bridge!)).toContain(
        `${web.address} lladdr ${web.mac} PERMANENT`,
      )
      expect(run(a.netns, 'ip', '-d', 'link', 'show', 'type', 'vxlan')).toMatch(
        /nolearning.*learning off.*neigh_suppress on/s,
      )

      // an address by name: its block comes to the host that asks first
      const subnet = info.subnets[0]!.subnet.replace(/\.0\/.*/, '')
      const named = `${subnet.replace(/\.\d+$/, '')}.77.7`
      expect(await attach(b, 'named', named)).toMatchObject({ address: named })
      await expect(attach(c, 'late', `${named}7`)).rejects.toMatchObject({
        code: 'ERR_NETBRIDGE_ADDRESS_TAKEN',
      })

      // a container that goes is forgotten by all
      await c.tell('detach', { id: 'one-c' })
      await until(
        () => fdb(a, info),
        (text) => !text.includes(web.mac),
      )
      for (const host of wire.hosts) await host.tell('remove')
      using store = openStore(etcd.url)
      expect((await store.list('')).entries).toEqual(new Map())
    })

    it('go on without the store and with a host cut off, and catch up when it is back', async () => {
      await using wire = testHosts(['a', 'b', 'c'])
      await using etcd = await startEtcd(SWITCH)
      const [a, b, c] = wire.hosts as [TestHost, TestHost, TestHost]
      const options = { name: 'ov', driver: 'overlay', overlay: { store: etcd.url, ttlSeconds: 2 } }
      const [info] = (await Promise.all(wire.hosts.map((host) => host.tell('create', { options })))) as [
        NetworkInfo,
      ]
      const [onA, , onC] = await Promise.all(wire.hosts.map((host, at) => attach(host, `on-${'abc'[at]}`)))
      await until(() => peersOf(a), knows('on-b', 'on-c'))
      await until(() => peersOf(c), knows('on-a', 'on-b'))

      c.cable(false)
      await until(
        () => peersOf(a),
        (peers) => peers.length === 1,
      )
      expect(fdb(a, info)).not.toContain(c.address)
      await until(
        () => c.tell('failure'),
        (failure) => failure !== null,
      )
      expect(await peersOf(c)).toHaveLength(2) // what it knew, it knows
      expect(fdb(c, info)).toContain(`dst ${a.address}`)
      const alone = await attach(c, 'alone') // from its own block
      const meanwhile = await attach(b, 'meanwhile')
      c.cable(true)
      await until(() => peersOf(a), knows('on-c', 'alone'))
      await until(() => peersOf(c), knows('meanwhile'))
      expect(await a.tell('ask', { id: 'on-a', address: alone.address })).toMatch(/^alone sees/)
      expect(await c.tell('ask', { id: 'alone', address: meanwhile.address })).toMatch(/^meanwhile sees/)
      await until(
        () => c.tell('failure'),
        (failure) => failure === null,
      )

      // the whole store goes: all peers stay
      await etcd.stop()
      await until(
        () => a.tell('failure'),
        (failure) => failure !== null,
      )
      expect(await a.tell('ask', { id: 'on-a', address: onC!.address })).toMatch(/^on-c sees/)
      await etcd.start()
      await until(
        () => a.tell('failure'),
        (failure) => failure === null,
      )

      // a process that was killed leaves its containers reachable until it is forgotten, and back it has what it had
      await b.restart()
      await until(
        () => peersOf(a),
        (peers) => peers.every(({ address }) => address !== b.address),
      )
      await b.tell('get', { id: 'ov' })
      await until(() => peersOf(a), knows('on-b', 'meanwhile'))
      expect(await b.tell('endpoints')).toHaveLength(2)
      expect(
        new Set([onA, onC, alone, meanwhile, await attach(b, 'after')].map((each) => each!.address)).size,
      ).toBe(5)
      for (const host of [a, b]) await host.tell('remove')
      await etcd.stop()
      await expect(c.tell('remove')).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_STORE' })
      await c.tell('remove', { force: true })
      await expect(c.tell('create', { options })).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_STORE' })
      expect(run(c.netns, 'ip', 'link', 'show')).not.toMatch(/br-|vx-/)
    })

    it('share a folder as store on one machine', async () => {
      using folder = temporaryFolder()
      await using wire = testHosts(['a', 'b'])
      const [a, b] = wire.hosts as [TestHost, TestHost]
      const overlay = { store: `file://${folder.path}/store`, ttlSeconds: 2 }
      const options = {
        name: 'ov',
        driver: 'overlay',
        subnets: [{ subnet: '10.78.0.0/24' }],
        icc: false,
        overlay,
      }
      await Promise.all([a, b].map((host) => host.tell('create', { options })))
      await expect(a.tell('create', { options })).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_EXISTS' })
      const [one, two] = await Promise.all([attach(a, 'one'), attach(b, 'two')])
      await until(() => peersOf(a), knows('two'))
      // apart on one host, apart on two
      expect(await a.tell('ask', { id: 'one', address: two.address })).toMatch(
        /ETIMEDOUT|EHOSTUNREACH|EAGAIN|EINPROGRESS/,
      )
      expect(one.address).not.toBe(two.address)
      await b.restart()
      await until(
        () => peersOf(a),
        (peers) => peers.length === 0,
      )
      await b.tell('get', { id: 'ov' })
      await until(() => peersOf(a), knows('two'))
      for (const host of wire.hosts) await host.tell('remove')
    })
  },
)
