import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp, type Ended } from './support/suite.js'

leakCheck()

describeOn(needs, 'docker network', () => {
  const suite = setUp()
  const ok = (...args: string[]): Promise<string> => suite.ok(...args)
  const docker = (...args: string[]): Promise<Ended> => suite.docker(...args)
  const format = (name: string, template: string): Promise<string> =>
    ok('network', 'inspect', '-f', template, name)

  it('makes networks as they are asked for, lists and removes them', async () => {
    const options = ['--subnet', '10.151.0.0/24', '--ip-range', '10.151.0.128/25', '--gateway', '10.151.0.9']
    const id = await ok('network', 'create', '--label', 'a=b', '--internal', ...options, 'front')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(
      await format('front', '{{.Id}} {{.Driver}} {{.Internal}} {{.Labels.a}} {{json .IPAM.Config}}'),
    ).toBe(
      `${id} bridge true b [{"Gateway":"10.151.0.9","IPRange":"10.151.0.128/25","Subnet":"10.151.0.0/24"}]`,
    )
    expect(await ok('network', 'ls', '--format', '{{.Name}} {{.Driver}}', '--no-trunc')).toBe(
      'bridge bridge\nfront bridge\nhost host\nnone null',
    )
    expect(await ok('network', 'ls', '-q', '--filter', 'label=a=b', '--no-trunc')).toBe(id)
    expect(await ok('network', 'ls', '-q', '--filter', 'type=custom', '--no-trunc')).toBe(id)
    await ok('network', 'create', 'front-2')
    expect(await ok('network', 'ls', '--format', '{{.Name}}', '--filter', 'name=^front$')).toBe('front')
    expect(await ok('network', 'ls', '--format', '{{.Name}}', '--filter', 'name=front')).toBe(
      'front\nfront-2',
    )
    await ok('network', 'rm', 'front-2')
    for (const [args, said] of [
      [['ls', '--filter', 'dangling=perhaps'], "invalid filter 'dangling=[perhaps]'"],
      [['ls', '--filter', 'type=none'], "invalid filter 'type=none'"],
      [['create', 'front'], 'already exists'],
      [['create', '-d', 'weave', 'other'], 'plugin weave'],
      [['create', '-o', 'no.such=option', 'other'], 'no.such is not supported'],
      [['rm', 'bridge'], 'pre-defined'],
      [['inspect', 'none-such'], 'not found'],
    ] as const) {
      expect(await docker('network', ...args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(said),
      })
    }
    expect(await ok('network', 'rm', id.slice(0, 12))).toBe(id.slice(0, 12))
    expect(await ok('network', 'ls', '-q', '--filter', 'type=custom')).toBe('')
  })

  it('publishes on the address of the network, where a container names none', async () => {
    const option = 'com.docker.network.bridge.host_binding_ipv4'
    await ok('network', 'create', '-o', `${option}=127.0.0.1`, 'here')
    expect(await format('here', `{{index .Options "${option}"}}`)).toBe('127.0.0.1')
    const run = ['run', '-d', '--init', '--network', 'here', '-p', '80', '-p', '0.0.0.0::81'] as const
    await ok(...run, '--name', 'bound', image, 'sleep', '100')
    expect(await ok('port', 'bound')).toMatch(/^80\/tcp -> 127\.0\.0\.1:\d+\n81\/tcp -> 0\.0\.0\.0:\d+$/)
    await ok('rm', '-f', 'bound')
    await ok('network', 'rm', 'here')
    expect((await docker('network', 'create', '-o', `${option}=no`, 'here')).stderr).toContain('hostIp')
  })

  it('leads containers to each other by their names, and knows who is on it', async () => {
    await ok('network', 'create', '--subnet', '10.152.0.0/24', 'shop')
    const page = 'nc -ll -p 80 -e echo "hello from $(hostname)"'
    const web = ['--name', 'web', '--network-alias', 'www', '--ip', '10.152.0.50', '-h', 'web']
    await ok('run', '-d', '--network', 'shop', ...web, image, 'sh', '-c', page)
    for (const name of ['web', 'www', '10.152.0.50']) {
      expect(
        await ok('run', '--rm', '--network', 'shop', image, 'sh', '-c', `nc ${name} 80 </dev/null`),
      ).toBe('hello from web')
    }
    const inspected =
      '{{with .NetworkSettings.Networks.shop}}{{.IPAddress}}/{{.IPPrefixLen}} {{.Gateway}} {{.Aliases}}{{end}}'
    expect(await ok('inspect', '-f', inspected, 'web')).toBe('10.152.0.50/24 10.152.0.1 [www]')
    expect(await format('shop', '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}')).toBe(
      'web 10.152.0.50/24',
    )
    expect(await docker('network', 'rm', 'shop')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has active endpoints \(.*name:"web" id:"[0-9a-f]{12}"/),
    })
    expect(await ok('ps', '-q', '--no-trunc', '--filter', 'network=shop')).toMatch(/^[0-9a-f]{64}$/)
  })

  it('connects and disconnects, resolves as it is told, and shares a network', async () => {
    await ok('network', 'create', '--subnet', '10.153.0.0/24', 'late')
    await ok('network', 'connect', '--alias', 'again', '--ip', '10.153.0.7', 'late', 'web')
    expect(await ok('run', '--rm', '--network', 'late', image, 'sh', '-c', 'nc again 80 </dev/null')).toBe(
      'hello from web',
    )
    expect((await docker('network', 'connect', 'late', 'web')).stderr).toContain(
      'endpoint with name web already exists in network late',
    )
    await ok('network', 'disconnect', 'late', 'web')
    expect((await docker('network', 'disconnect', 'late', 'web')).stderr).toContain(
      'is not connected to network late',
    )
    expect(await format('late', '{{len .Containers}}')).toBe('0')
    const names = ['--dns', '192.0.2.1', '--dns-search', 'example.org', '--add-host', 'db:10.0.0.9']
    expect(
      await ok('run', '--rm', ...names, image, 'sh', '-c', 'cat /etc/resolv.conf; tail -1 /etc/hosts'),
    ).toBe('nameserver 192.0.2.1\nsearch example.org\n10.0.0.9\tdb')
    expect(
      await ok('run', '--rm', '--network', 'container:web', image, 'sh', '-c', 'nc 127.0.0.1 80 </dev/null'),
    ).toBe('hello from web')
    await ok('rm', '-f', 'web')
    expect(await ok('network', 'prune', '-f')).toContain('late\nshop')
  })

  it('keeps networks of containers that do not run for their next start', async () => {
    await ok('network', 'create', '--subnet', '10.154.0.0/24', 'kept')
    const mac = '02:42:0a:01:02:03'
    await ok('create', '--name', 'asleep', '--mac-address', mac, image, 'sleep', '1000')
    expect(await ok('inspect', '-f', '{{.NetworkSettings.Networks.bridge.MacAddress}}', 'asleep')).toBe(mac)
    await ok('network', 'connect', '--alias', 'dreamer', '--ip', '10.154.0.44', 'kept', 'asleep')
    await ok('network', 'connect', '--alias', 'unheard', 'kept', 'asleep')
    const networks = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'
    expect(await ok('inspect', '-f', networks, 'asleep')).toBe('bridge kept ')
    await ok('start', 'asleep')
    expect(await docker('network', 'connect', 'kept', 'asleep')).toMatchObject({ code: 1 })
    const resolve = ['run', '--rm', '--network', 'kept', image, 'nslookup', 'dreamer']
    expect(await ok(...resolve)).toContain('Address: 10.154.0.44')
    expect(await ok('exec', 'asleep', 'ls', '/sys/class/net')).toBe('eth0\neth1\nlo')
    expect(await ok('exec', 'asleep', 'cat', '/sys/class/net/eth0/address')).toBe(mac)
    await ok('stop', '-t', '0', 'asleep')
    await ok('network', 'disconnect', 'bridge', 'asleep')
    expect((await docker('network', 'disconnect', 'bridge', 'asleep')).code).toBe(1)
    await ok('start', 'asleep')
    expect(await ok('exec', 'asleep', 'ls', '/sys/class/net')).toBe('eth0\nlo')
    expect(await ok('inspect', '-f', '{{.NetworkSettings.Networks.kept.IPAddress}}', 'asleep')).toBe(
      '10.154.0.44',
    )
    await ok('stop', '-t', '0', 'asleep')
    await ok('network', 'disconnect', 'kept', 'asleep')
    await ok('start', 'asleep')
    expect(await ok('exec', 'asleep', 'ip', '-o', 'addr')).toMatch(/^1: lo +inet 127\.0\.0\.1/)
    await ok('rm', '-f', 'asleep')
    await ok('network', 'rm', 'kept')
  })

  it('gives an interface further addresses, at the start and later', async () => {
    await ok('network', 'create', '--subnet', '10.156.0.0/24', 'linked')
    const local = ['--link-local-ip', '169.254.9.1', '--link-local-ip', 'fe80::77']
    await ok('run', '-d', '--name', 'local', '--network', 'linked', ...local, image, 'sleep', '1000')
    const addresses = await ok('exec', 'local', 'ip', '-o', 'addr', 'show', 'eth0')
    expect(addresses).toMatch(/inet 169\.254\.9\.1\/16 brd 169\.254\.255\.255/)
    expect(addresses).toContain('inet6 fe80::77/64')
    await ok('network', 'create', '--subnet', '10.157.0.0/24', 'later')
    await ok('network', 'connect', '--link-local-ip', '57.123.22.11', 'later', 'local')
    expect(await ok('exec', 'local', 'ip', '-o', 'addr', 'show', 'eth1')).toContain('57.123.22.11/16')
    const shown = '{{json (index .NetworkSettings.Networks "later").IPAMConfig.LinkLocalIPs}}'
    expect(await ok('inspect', '-f', shown, 'local')).toBe('["57.123.22.11"]')
    const from = ['run', '--rm', '--network', 'linked', '--link-local-ip', '169.254.9.2', image]
    expect(await ok(...from, 'ping', '-c', '1', '169.254.9.1')).toContain('1 packets received')
    const refused = await docker(
      ...['run', '--rm', '--network', 'linked', '--link-local-ip', '10.156.0.9', image, 'true'],
    )
    expect(refused).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('outside of 10.156.0.0/24'),
    })
    await ok('rm', '-f', 'local')
    await ok('network', 'rm', 'linked', 'later')
  })

  it('leads out by the network with the highest priority that leads out', async () => {
    for (const [name, net, ...more] of [
      ['low', '158'],
      ['high', '159'],
      ['shut', '160', '--internal'],
    ] as const)
      await ok('network', 'create', '--subnet', `10.${net}.0.0/24`, ...more, name)
    const networks = [
      ...['--network', 'name=shut,gw-priority=9', '--network', 'name=low,gw-priority=1'],
      ...['--network', 'name=high,gw-priority=2'],
    ]
    await ok('run', '-d', '--name', 'out', ...networks, image, 'sleep', '1000')
    const way = (): Promise<string> => ok('exec', 'out', 'sh', '-c', 'ip route | grep ^default')
    expect(await way()).toContain('via 10.159.0.1 ')
    expect(await ok('inspect', '-f', '{{.NetworkSettings.Networks.high.GwPriority}}', 'out')).toBe('2')
    await ok('network', 'disconnect', 'high', 'out')
    expect(await way()).toContain('via 10.158.0.1 ')
    await ok('network', 'connect', 'high', 'out')
    expect(await way()).toContain('via 10.158.0.1 ')
    await ok('network', 'disconnect', 'high', 'out')
    await ok('network', 'connect', '--gw-priority', '10', 'high', 'out')
    expect(await way()).toMatch(/^default via 10\.159\.0\.1 .*$/)
    await ok('restart', '-t', '0', 'out')
    expect(await way()).toContain('via 10.159.0.1 ')
    await ok('rm', '-f', 'out')
    await ok('network', 'rm', 'low', 'high', 'shut')
  })

  it('gives names to a container that has begun on bridge alone', async () => {
    await ok('network', 'create', '--subnet', '10.155.0.0/24', 'named')
    await ok('run', '-d', '--name', 'begun', image, 'sleep', '1000')
    await ok(
      'run',
      '-d',
      '--name',
      'there',
      '--network',
      'named',
      '--ip',
      '10.155.0.9',
      image,
      'sleep',
      '1000',
    )
    expect(await ok('exec', 'begun', 'cat', '/etc/resolv.conf')).not.toContain('127.0.0.11')
    await ok('network', 'connect', 'named', 'begun')
    expect(await ok('exec', 'begun', 'head', '-1', '/etc/resolv.conf')).toBe('nameserver 127.0.0.11')
    expect(await ok('exec', 'begun', 'nslookup', 'there')).toContain('Address: 10.155.0.9')
    await ok('rm', '-f', 'begun', 'there')
    await ok('network', 'rm', 'named')
  })

  it('links containers by variables and names', async () => {
    await ok('run', '-d', '--name', 'db', '-e', 'KEY=a=b', '--expose', '5432', image, 'sleep', '1000')
    const address = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'db')
    const script = 'env | grep ^THE_DB | sort; grep -c "the-db$" /etc/hosts'
    expect(await ok('run', '--rm', '--name', 'web', '--link', 'db:the-db', image, 'sh', '-c', script)).toBe(
      [
        'THE_DB_ENV_KEY=a=b',
        'THE_DB_NAME=/web/the-db',
        `THE_DB_PORT=tcp://${address}:5432`,
        `THE_DB_PORT_5432_TCP=tcp://${address}:5432`,
        `THE_DB_PORT_5432_TCP_ADDR=${address}`,
        'THE_DB_PORT_5432_TCP_PORT=5432',
        'THE_DB_PORT_5432_TCP_PROTO=tcp',
        '1',
      ].join('\n'),
    )
    expect((await docker('create', '--link', 'no-such', image)).stderr).toContain(
      'could not get container for no-such',
    )
    await ok('create', '--name', 'unlinked', '--link', 'db:the-db', image, 'sh', '-c', script)
    expect(await ok('rm', '--link', 'unlinked/the-db')).toBe('unlinked/the-db')
    expect((await docker('rm', '--link', 'unlinked/the-db')).stderr).toContain('No such link')
    expect(await ok('start', '-a', 'unlinked').catch(String)).toContain('1: 0')
    await ok('rm', 'unlinked')
    await ok('stop', '-t', '0', 'db')
    const { stderr } = await docker('run', '--rm', '--name', 'lonely', '--link', 'db', image, 'true')
    expect(stderr).toMatch(/^docker: Error response from daemon: Cannot link db to lonely: it does not run/)
    await ok('rm', 'db')
  })

  it('refuses what it would leave out', async () => {
    for (const [args, said] of [
      [['--volume-driver', 'nfs'], 'VolumeDriver'],
      [['--log-driver', 'etwlogs'], 'no log driver named'],
    ] as const) {
      expect(await docker('create', ...args, image)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(said),
      })
    }
  })
})
