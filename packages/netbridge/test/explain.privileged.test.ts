import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ownHost } from './support/cni.js'
import { namespaces, run, testNetworks } from './support/network.js'

leakCheck()

const nft = (...args: string[]): string => run(undefined, 'nft', ...args)

describeOn(['root', 'bin:nft', 'bin:ip', 'bin:iptables-nft'], 'Networks.explain', () => {
  it('tells how packets travel, with what nft and ip say of the same', async () => {
    using _host = ownHost()
    await using made = testNetworks()
    using all = namespaces(2)
    const { networks, instance } = made
    run(undefined, 'iptables-nft', '-P', 'FORWARD', 'DROP')
    const net = await networks.create({
      ...{ name: 'demo', bridge: 'demo0', ipv6: true },
      subnets: [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }],
    })
    net.attach({
      ...{ id: 'web', netnsFd: all[0]!.fd, names: ['web'], antiSpoofing: true },
      publish: [
        { host: 18080, container: 80 },
        { host: 18081, hostIp: '127.0.0.1', container: 81, protocol: 'udp' },
      ],
    })
    net.attach({ id: 'client', netnsFd: all[1]!.fd })
    const told = networks.explain('demo')

    expect(told.journeys.map(({ title }) => title)).toEqual([
      'From container to container',
      'From a container to the outside',
      'From the outside to port 18080/tcp of the host (0.0.0.0)',
      'From localhost to port 18080/tcp',
      'From [::1] to port 18080/tcp',
      'From localhost to port 18081/udp',
      'From other networks of this host',
      'Names',
    ])
    expect(told.routes).toEqual(expect.arrayContaining(['10.80.0.0/24', 'fd00:80::/64']))
    expect(told.sysctls).toMatchObject({
      'net.ipv4.ip_forward': '1',
      'net.ipv4.conf.demo0.route_localnet': '1',
      'net.ipv6.conf.all.forwarding': '1',
    })
    expect(told.links[0]).toMatchObject({ name: 'demo0', kind: 'bridge', up: true })
    expect(told.links.slice(1).map(({ kind }) => kind)).toEqual(['veth', 'veth'])

    const [inet, bridge] = told.tables
    expect([inet?.name, bridge?.name]).toEqual([`inet ${instance}`, `bridge ${instance}`])
    for (const table of told.tables) {
      const listed = nft('list', 'table', ...table.name.split(' '))
      for (const { name, rules } of table.chains) {
        const [, body = ''] = new RegExp(`chain ${name} \\{\\n([^}]*)\\}`).exec(listed) ?? []
        const lines = body.split('\n').filter((line) => line.trim() !== '' && !line.includes(' hook '))
        expect(rules).toHaveLength(lines.length)
        expect(rules.join('\n')).not.toContain('[') // nothing that it does not understand
      }
      const json = JSON.parse(nft('-j', 'list', 'table', ...table.name.split(' '))) as {
        nftables: Record<'set' | 'map', { name: string; elem?: unknown[] } | undefined>[]
      }
      const filled = json.nftables
        .flatMap((each) => each.set ?? each.map ?? [])
        .filter(({ elem = [] }) => elem.length > 0)
      expect(table.sets.map(({ name, elements }) => [name, elements.length])).toEqual(
        filled.map(({ name, elem = [] }) => [name, elem.length]),
      )
    }
    const chain = (name: string): readonly string[] | undefined =>
      inet?.chains.find((each) => each.name === name)?.rules
    expect(chain('forward')).toEqual([
      'iifname . oifname @inside accept',
      'iifname @internal drop',
      'oifname @internal drop',
      'oifname != @bridges accept',
      'ct state established,related accept',
      'ct status dnat accept',
      'drop',
    ])
    expect(chain('guard')).toEqual(['iifname @bridges meta nfproto ipv4 ip daddr 127.0.0.0/8 drop'])
    const set = (name: string): readonly string[] | undefined =>
      inet?.sets.find((each) => each.name === name)?.elements
    expect(set('ports')).toEqual(['tcp . 18080 : 10.80.0.2 . 80'])
    expect(set('ports_at')).toEqual(['127.0.0.1 . udp . 18081 : 10.80.0.2 . 81'])
    expect(set('members')).toEqual(['10.80.0.0/24'])
    expect(set('members6')).toEqual(['fd00:80::/64'])
    expect(set('bridges')).toEqual(['"demo0"'])
    expect(told.others).toEqual([
      { name: 'ip filter FORWARD', rules: ['iifname "demo0" accept', 'oifname "demo0" accept'] },
    ])
  })

  it('tells of a network that nothing of is there yet, and of one that there is not', async () => {
    using _host = ownHost()
    await using made = testNetworks()
    await made.networks.create({ name: 'demo', bridge: 'demo0', internal: true })
    await made.networks.close()
    run(undefined, 'ip', 'link', 'delete', 'demo0')
    nft('flush', 'ruleset')
    const told = made.again().explain('demo')
    expect([told.links, told.routes, told.tables, told.others]).toEqual([[], [], [], []])
    expect(told.journeys[1]?.steps.join()).toContain('no default route')
    expect(() => made.networks.explain('nope')).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_NOT_FOUND' }),
    )
  })
})
