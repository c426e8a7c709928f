import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { becomes, everything, firewalld, onWalledHost, ours, ufw, until } from './support/firewalls.js'
import { ownHost } from './support/cni.js'
import { run, testNetwork, testNetworks, uniqueInstance } from './support/network.js'

leakCheck()

const nft = (...args: string[]): string => run(undefined, 'nft', ...args)
const iptables = (...args: string[]): string => run(undefined, 'iptables-nft', ...args)
const legacy = (...args: string[]): string => run(undefined, 'iptables-legacy', ...args)

describeOn(['root', 'bin:nft', 'bin:iptables-nft', 'bin:dig'], 'networks beside firewalls of others', () => {
  it('pass iptables whose policies are drop, and iptables goes on understanding its chains', async () => {
    await onWalledHost(async ({ net, traffic, instance }) => {
      await becomes(traffic, everything)
      iptables('-P', 'FORWARD', 'DROP')
      iptables('-P', 'INPUT', 'DROP')
      iptables('-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT')
      await becomes(traffic, ours)
      const forward = iptables('-S', 'FORWARD').trim().split('\n')
      expect(forward).toEqual([
        '-P FORWARD DROP',
        expect.stringMatching(new RegExp(`^-A FORWARD -i ${instance}0 .*-j ACCEPT$`)),
        expect.stringMatching(new RegExp(`^-A FORWARD -o ${instance}0 .*-j ACCEPT$`)),
      ])
      expect(iptables('-S', 'INPUT')).toContain(`-d ${net.gateway}/32 -i ${instance}0 -p udp`)
      iptables('-P', 'FORWARD', 'ACCEPT')
      iptables('-P', 'INPUT', 'ACCEPT')
      await becomes(traffic, everything)
      await until(() => !iptables('-S').includes(instance))
      expect(iptables('-S')).not.toContain(instance) // where nothing is dropped, nothing is needed
    })
  })

  it('pass a chain that rejects what comes to its end, and leave rules about some packets alone', async () => {
    await onWalledHost(async ({ net, traffic, web }) => {
      iptables('-A', 'FORWARD', '-s', '10.77.0.3', '-j', 'DROP')
      iptables('-A', 'FORWARD', '-j', 'REJECT')
      await becomes(traffic, { ...ours, hostService: true })
      nft('add', 'table', 'inet', 'mine')
      nft('add', 'chain', 'inet', 'mine', 'forward', '{ type filter hook forward priority -10 ; }')
      nft(
        'add',
        'rule',
        'inet',
        'mine',
        'forward',
        'ip',
        'daddr',
        web.address,
        'ip',
        'saddr',
        '10.77.0.2',
        'drop',
      )
      await becomes(traffic, { ...ours, hostService: true, published: false })
      expect(nft('list', 'table', 'inet', 'mine')).not.toContain(net.bridge)
    })
  })

  it('pass plain nftables of the policy drop, and come back after a flush of everything', async () => {
    await onWalledHost(async ({ traffic, instance }) => {
      const closed = `table inet filter {
        chain input { type filter hook input priority 0; policy drop; ct state established accept; }
        chain forward { type filter hook forward priority 0; policy drop; }
      }`
      run(undefined, 'sh', '-c', `echo '${closed}' | nft -f -`)
      await becomes(traffic, ours)
      nft('flush', 'ruleset')
      await becomes(traffic, everything)
      run(undefined, 'sh', '-c', `echo '${closed}' | nft -f -`)
      await becomes(traffic, ours)
      nft('flush', 'table', 'inet', instance)
      await becomes(traffic, ours)
    })
  })

  it('come back after single elements, rules and chains of theirs were deleted', async () => {
    await onWalledHost(async ({ traffic, instance, net, port }) => {
      const table = (): string => nft('list', 'table', 'inet', instance)
      const whole = table()
      const isWhole = (): boolean => table() === whole
      nft('delete', 'element', 'inet', instance, 'ports', `{ tcp . ${port} }`)
      expect(isWhole()).toBe(false)
      await until(isWhole)
      nft('delete', 'element', 'inet', instance, 'inside', `{ "${net.bridge}" . "${net.bridge}" }`)
      await until(isWhole)
      nft('flush', 'set', 'inet', instance, 'subnets')
      await until(isWhole)
      nft('flush', 'chain', 'inet', instance, 'forward')
      nft('delete', 'chain', 'inet', instance, 'forward')
      await until(isWhole)
      expect(table()).toBe(whole)
      await becomes(traffic, everything)
      const published = net.endpoint('web')!
      published.detach() // what is taken away by its owner stays away
      expect(table()).not.toContain(`tcp . ${port} :`)
    })
  })

  it('leave nothing in chains of others when they are removed, and nothing of those that were killed', async () => {
    using _host = ownHost()
    iptables('-P', 'FORWARD', 'DROP')
    const before = iptables('-S')
    const instance = uniqueInstance()
    {
      await using first = await testNetwork({ instance })
      await using _second = await testNetwork({ instance, state: first.state, bridge: 'second' })
      expect(iptables('-S', 'FORWARD').match(/-j ACCEPT/g)).toHaveLength(4)
      nft(
        'add',
        'rule',
        'ip',
        'filter',
        'FORWARD',
        'iifname',
        'gone',
        'accept',
        'comment',
        `"${instance}: from gone"`,
      )
      await using _again = await testNetwork({ instance, state: first.state, bridge: 'third' })
      expect(iptables('-S', 'FORWARD')).not.toContain('gone')
      expect(iptables('-S', 'FORWARD').match(/-j ACCEPT/g)).toHaveLength(6)
    }
    expect(iptables('-S')).toBe(before)
  })

  it('say what to do where they cannot be let through', async () => {
    using _host = ownHost()
    await using made = testNetworks()
    const { networks } = made
    await networks.create({ name: 'plain', bridge: 'plain0' })
    expect(networks.firewallWarnings()).toEqual([])
    iptables('-P', 'FORWARD', 'DROP') // nobody has noticed yet
    expect(networks.firewallWarnings()).toMatchObject([
      { code: 'closed-chain', chain: 'ip filter FORWARD', networks: ['plain'] },
    ])
    await networks.create({ name: 'more' })
    expect(networks.firewallWarnings()).toEqual([])
    legacy('-P', 'FORWARD', 'DROP') // nobody is told
    run(undefined, 'ip6tables-legacy', '-A', 'FORWARD', '-j', 'REJECT')
    const [only, ...others] = networks.firewallWarnings()
    expect(others).toEqual([]) // these networks have no IPv6
    expect(only).toMatchObject({ code: 'iptables-legacy', chain: 'iptables-legacy filter FORWARD' })
    expect(only?.message).toContain('its policy')
    for (const command of only!.remedy.split(': ')[1]!.split('; ')) run(undefined, 'sh', '-c', command)
    expect(networks.firewallWarnings()).toEqual([])
    await networks.create({ name: 'six', ipv6: true })
    expect(networks.firewallWarnings()).toEqual([])
    expect(run(undefined, 'ip6tables-legacy', '-S', 'FORWARD').match(/-j ACCEPT/g)).toHaveLength(2)
  })

  it('say so when a table belongs to a program, and work as soon as that has ended', async () => {
    using _host = ownHost()
    await using made = testNetworks()
    const { networks } = made
    const owner = spawn('nft', ['-i'], { stdio: ['pipe', 'ignore', 'inherit'] })
    try {
      owner.stdin.write('add table inet owned { flags owner; }\n')
      const chain = '{ type filter hook forward priority 0; policy drop; }'
      owner.stdin.write(`add chain inet owned forward ${chain}\n`)
      await until(() => nft('list', 'ruleset').includes('hook forward'))
      await networks.create({ name: 'plain' })
      expect(networks.firewallWarnings()).toMatchObject([
        { code: 'closed-chain', chain: 'inet owned forward', networks: ['plain'] },
      ])
    } finally {
      const ended = once(owner, 'exit')
      owner.stdin.end('quit\n')
      await ended
    }
    expect(networks.firewallWarnings()).toEqual([])
  })
})

describeOn(['root', 'bin:iptables-legacy', 'bin:dig'], 'networks beside iptables-legacy', () => {
  const saved = (): string[] =>
    run(undefined, 'iptables-legacy-save', '-c')
      .split('\n')
      .filter((line) => !line.startsWith('#'))

  it('pass it soon after it was closed, and leave all else of the table as it is', async () => {
    await onWalledHost(async ({ traffic, instance, state, web }) => {
      legacy('-N', 'first')
      legacy('-N', 'second')
      legacy(
        '-A',
        'second',
        '-p',
        'tcp',
        '--dport',
        '7',
        '-m',
        'comment',
        '--comment',
        'mine',
        '-j',
        'REJECT',
      )
      legacy('-A', 'first', '-j', 'second')
      for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) legacy('-A', chain, '-p', 'tcp', '-g', 'first')
      legacy('-A', 'FORWARD', '-s', web.address, '-d', '10.78.0.9', '-j', 'ACCEPT')
      await becomes(traffic, everything)
      const before = saved()
      legacy('-P', 'FORWARD', 'DROP')
      await becomes(traffic, { ...everything, neighbours: false })
      legacy('-D', 'FORWARD', '1') // one of ours
      const ourRules = (): unknown[] =>
        legacy('-S', 'FORWARD').match(new RegExp(`-[io] ${instance}0`, 'g')) ?? []
      await until(() => ourRules().length === 2)
      expect(ourRules()).toHaveLength(2)
      {
        await using _second = await testNetwork({
          instance,
          state,
          bridge: 'second0',
          subnet: '10.76.0.0/24',
        })
        await becomes(traffic, { ...everything, neighbours: false })
        const forward = legacy('-S', 'FORWARD').split('\n')
        expect(forward.slice(1, 5).map((line) => line.match(/-[io] \S+/)?.[0])).toEqual(
          expect.arrayContaining([`-i ${instance}0`, `-o ${instance}0`, '-i second0', '-o second0']),
        )
        const withCounters = saved().filter((line) => line.includes('-A FORWARD') && line.includes(instance))
        expect(withCounters.some((line) => !line.startsWith('[0:0]'))).toBe(true)
      }
      expect(legacy('-S', 'FORWARD').match(new RegExp(`${instance}0`, 'g'))).toHaveLength(4) // twice in each of two
      legacy('-P', 'FORWARD', 'ACCEPT')
      await until(() => !legacy('-S', 'FORWARD').includes(instance))
      const plain = (lines: string[]): string[] => lines.map((line) => line.replace(/\[\d+:\d+\]/, ''))
      expect(plain(saved())).toEqual(plain(before))
      const counted = (lines: string[]): number =>
        Number(/\[(\d+):/.exec(lines.find((line) => line.includes('-A OUTPUT'))!)![1])
      expect(counted(before)).toBeGreaterThan(0)
      expect(counted(saved())).toBeGreaterThanOrEqual(counted(before))
    })
  })
})

describeOn(['root', 'bin:nft', 'bin:ufw', 'bin:dig'], 'networks beside ufw', () => {
  it('pass it, after a reload too', async () => {
    await onWalledHost(async ({ traffic }) => {
      using firewall = ufw()
      firewall.run('--force', 'enable')
      await becomes(traffic, ours)
      firewall.run('reload')
      await becomes(traffic, ours)
      firewall.run('disable')
      await becomes(traffic, everything)
    })
  })
})

describeOn(
  ['root', 'bin:nft', 'bin:firewalld', 'bin:dbus-daemon', 'bin:dig'],
  'networks beside firewalld',
  () => {
    it('pass it, after a reload too', async () => {
      await onWalledHost(async ({ traffic }) => {
        await using firewall = await firewalld()
        await becomes(traffic, ours)
        firewall.cmd('--reload')
        await becomes(traffic, ours)
        firewall.cmd('--complete-reload')
        await becomes(traffic, ours)
      })
    })
  },
)
