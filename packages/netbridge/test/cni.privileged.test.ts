import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Cni, createNetworkNamespace } from '../src/index.js'
import { cniNetwork, netnsPath, ownHost, script, testCni } from './support/cni.js'
import { ask, askFromHost, serve } from './support/inside.js'
import { namespaces, run, uniqueInstance } from './support/network.js'

leakCheck()

const pluginError = (fields: object = {}): unknown =>
  expect.objectContaining({ code: 'ERR_NETBRIDGE_CNI_PLUGIN', ...fields })

/** Debian's plugins, with a bridge and a subnet of the test's own. */
function debianNetwork(version: string, bridge: string, folder: string) {
  const octet = 1 + (process.pid % 200)
  const ipam = {
    type: 'host-local',
    dataDir: `${folder}/ipam`,
    ranges: [[{ subnet: `10.213.${octet}.0/24` }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  return cniNetwork(version, bridge, [
    { type: 'bridge', bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
    { type: 'portmap', capabilities: { portMappings: true } },
    { type: 'tuning', sysctl: { 'net.core.somaxconn': '500' }, mtu: 1400 },
    { type: 'bandwidth', capabilities: { bandwidth: true } },
  ])
}

describeOn(['root', 'bin:ip', 'bin:nsenter', 'bin:iptables'], 'Cni with the plugins of Debian', () => {
  it.each(['0.3.1', '0.4.0', '1.0.0'])(
    'attaches, checks and detaches with real traffic, %s',
    async (version) => {
      using _host = ownHost()
      using test = testCni()
      const { cni } = test
      const bridge = uniqueInstance().slice(0, 12)
      const network = debianNetwork(version, bridge, test.folder)
      using all = namespaces(2)
      const netns = (index: number): string => netnsPath(all[index]!.fd)
      const hostPort = 20_000 + (process.pid % 10_000)
      const bandwidth = { ingressRate: 100_000_000, ingressBurst: 8_000_000 } // without it CHECK of 1.1 panics
      const capabilities = {
        portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }],
        bandwidth,
        unknown: 1,
      }
      const web = await cni.add(network, { containerId: 'web', netns: netns(0), capabilities })
      const client = await cni.add(network, {
        containerId: 'client',
        netns: netns(1),
        capabilities: { bandwidth },
      })
      const [address, clientAddress] = [web, client].map(({ ips }) => ips![0]!.address.split('/')[0]!)
      expect(web.cniVersion).toBe(version)
      expect(web.interfaces!.find(({ sandbox }) => sandbox === netns(0))).toMatchObject({ name: 'eth0' })
      expect(web.ips![0]!.version).toBe(version === '1.0.0' ? undefined : '4')

      await using _server = await serve(all[0]!.fd, 80, 'web')
      expect(await ask(all[1]!.fd, address!, 80)).toBe(`web sees ${clientAddress}`)
      expect(await askFromHost('127.0.0.1', hostPort)).toMatch(/^web sees /)
      expect(run(all[0], 'cat', '/proc/sys/net/core/somaxconn')).toBe('500\n')
      expect(run(all[0], 'ip', 'link', 'show', 'eth0')).toContain('mtu 1400')
      expect(run(undefined, 'tc', 'qdisc', 'show')).toMatch(/tbf .* rate 100Mbit/)

      expect(
        cni
          .attachments(network)
          .map(({ containerId }) => containerId)
          .sort(),
      ).toEqual(['client', 'web'])
      expect(cni.attachment(network, { containerId: 'web' })?.result).toEqual(web)
      await expect(cni.add(network, { containerId: 'web', netns: netns(0) })).rejects.toMatchObject({
        code: 'ERR_NETBRIDGE_EXISTS',
      })
      if (version === '0.3.1') {
        await expect(cni.check(network, { containerId: 'web' })).rejects.toThrow(/has no CHECK/)
      } else {
        await cni.check(network, { containerId: 'client' }) // portmap 1.1 fails for ports without IPv6
        run(all[1], 'ip', 'address', 'flush', 'dev', 'eth0')
        await expect(cni.check(network, { containerId: 'client' })).rejects.toMatchObject(
          pluginError() as object,
        )
      }

      await cni.del(network, { containerId: 'web', netns: netns(0) })
      await cni.del(network, { containerId: 'web', netns: netns(0) }) // what is gone is gone
      expect(await askFromHost('127.0.0.1', hostPort)).toBe('ECONNREFUSED')
      expect(run(all[0], 'ip', '-o', 'link')).not.toContain('eth0')
      await expect(cni.check(network, { containerId: 'web' })).rejects.toThrow(/not attached/)

      await cni.gc(network, []) // takes the other one away, which nobody named
      expect(run(all[1], 'ip', '-o', 'link')).not.toContain('eth0')
      expect(readdirSync(`${test.folder}/cache/results`)).toEqual([])
      const leases = readdirSync(`${test.folder}/ipam/${bridge}`).filter((name) => /^\d/.test(name))
      expect(leases).toEqual([])
    },
  )

  it('runs loopback, and says what a plugin refuses in its own words', async () => {
    using test = testCni()
    using netns = createNetworkNamespace()
    const { cni } = test
    const lo = cniNetwork('1.0.0', 'lo', [{ type: 'loopback' }])
    const result = await cni.add(lo, { containerId: 'c', netns: netnsPath(netns.fd), ifname: 'lo' })
    expect(result.ips).toContainEqual(expect.objectContaining({ address: '127.0.0.1/8' }))
    await cni.del(lo, { containerId: 'c', netns: netnsPath(netns.fd), ifname: 'lo' })
    expect(await cni.versions('loopback')).toContain('1.0.0')

    const newer = cniNetwork('1.1.0', 'lo', [{ type: 'loopback' }])
    const adding = cni.add(newer, { containerId: 'c', netns: netnsPath(netns.fd), ifname: 'lo' })
    // one that does not know the version refuses to undo as well, so the attachment stays known
    const error = (await adding.catch((reason: unknown) => reason)) as AggregateError
    expect(error.errors[0]).toEqual(pluginError({ plugin: { type: 'loopback', command: 'ADD', cniCode: 1 } }))
    expect(cni.attachments(newer)).toHaveLength(1)

    const none = cniNetwork('1.0.0', 'none', [{ type: 'no-such-plugin' }])
    await expect(cni.add(none, { containerId: 'c', netns: '/proc/self/ns/net' })).rejects.toThrow(
      /no-such-plugin: there is no executable of that name in .*CNI_PATH/,
    )
    expect(cni.attachments(none)).toEqual([])
  })
})

describeOn(['root', 'bin:ip'], 'Cni with plugins that misbehave', () => {
  const attachment = { containerId: 'c1', netns: '/proc/self/ns/net' }

  it.each([
    ['prints rubbish', 'printf "not\\033[2Jjson"', /printed rubbish, it is no JSON object: not \[2Jjson$/],
    ['prints nothing', ':', /printed rubbish/],
    ['prints a result that is none', `echo '{"ips":[{"address":"x"}]}'`, /CIDR form/],
    ['prints without end', 'yes', /printed more than 1048576 bytes/],
    ['is killed', 'kill -9 $$', /ended with SIGKILL/],
    ['complains', 'echo why >&2; exit 3', /ended with 3: why/],
    [
      'prints an error',
      `echo '{"code":11,"msg":"later","details":"much"}'; exit 1`,
      /later: much \(CNI error 11\)/,
    ],
  ])('undoes everything when one %s', async (_, body, message) => {
    using test = testCni()
    const { cni, plugins, folder } = test
    const log = `echo "$CNI_COMMAND $0 $CNI_IFNAME" | sed "s,${plugins}/,," >> ${folder}/log`
    const made = '{"cniVersion":"1.0.0","interfaces":[{"name":"x0"}]}'
    script(
      plugins,
      'good',
      `cat > ${folder}/good.$CNI_COMMAND; ${log}; [ $CNI_COMMAND = DEL ] || echo '${made}'`,
    )
    script(plugins, 'bad', `cat > ${folder}/bad.$CNI_COMMAND; ${log}; [ $CNI_COMMAND = DEL ] || { ${body}; }`)
    const network = cniNetwork('1.0.0', 'n', [{ type: 'good' }, { type: 'bad' }, { type: 'good' }])
    await expect(cni.add(network, attachment)).rejects.toThrow(message)
    expect(readFileSync(`${folder}/log`, 'utf8').trim().split('\n')).toEqual([
      'ADD good eth0',
      'ADD bad eth0',
      'DEL good eth0',
      'DEL bad eth0',
      'DEL good eth0',
    ])
    const told = (name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
    expect(told('good.ADD')).toEqual({ cniVersion: '1.0.0', name: 'n', type: 'good' })
    expect(told('bad.ADD')).toMatchObject({ prevResult: JSON.parse(made) as object })
    expect(told('bad.DEL')).toMatchObject({ prevResult: JSON.parse(made) as object })
    expect(cni.attachments(network)).toEqual([])
  })

  it('kills one that hangs, with what it started, and keeps what it could not undo', async () => {
    using test = testCni({ timeoutMs: 300 })
    const { cni, plugins, folder } = test
    script(plugins, 'slow', `sleep 1000 & echo $! >> ${folder}/pids; sleep 1000`)
    const network = cniNetwork('1.0.0', 'n', [{ type: 'slow' }])
    const error = (await cni.add(network, attachment).catch((reason: unknown) => reason)) as AggregateError
    const timeout = (command: string): unknown =>
      expect.objectContaining({
        code: 'ERR_NETBRIDGE_CNI_TIMEOUT',
        plugin: { type: 'slow', command, cniCode: undefined },
      })
    expect(error.errors).toEqual([timeout('ADD'), timeout('DEL')])
    expect(error.cause).toBe(error.errors[0])
    for (const pid of readFileSync(`${folder}/pids`, 'utf8').trim().split('\n')) {
      while (existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
        await sleep(10)
    }
    expect(cni.attachments(network)).toMatchObject([{ containerId: 'c1', result: undefined }])
    script(plugins, 'slow', ':')
    await new Cni({ plugins: [plugins], cache: `${folder}/cache` }).gc(network, []) // as the next process would
    expect(cni.attachments(network)).toEqual([])
  })

  it('stops at once when it is told to, and undoes', async () => {
    using test = testCni()
    const { cni, plugins, folder } = test
    script(plugins, 'slow', `echo $CNI_COMMAND >> ${folder}/log; [ $CNI_COMMAND = DEL ] || sleep 1000`)
    const network = cniNetwork('1.0.0', 'n', [{ type: 'slow' }])
    const controller = new AbortController()
    const adding = cni.add(network, attachment, { signal: controller.signal })
    while (!existsSync(`${folder}/log`)) await sleep(10)
    controller.abort()
    await expect(adding).rejects.toMatchObject({ name: 'AbortError' })
    expect(readFileSync(`${folder}/log`, 'utf8')).toBe('ADD\nDEL\n')
    expect(cni.attachments(network)).toEqual([])
  })

  it('tells GC who is still there, goes on when one fails, and passes STATUS on', async () => {
    using test = testCni()
    const { cni, plugins, folder } = test
    script(plugins, 'one', `cat > ${folder}/$CNI_COMMAND; echo '{"code":50,"msg":"full"}'; exit 1`)
    script(plugins, 'two', `touch ${folder}/two`)
    const plugin = { type: 'one', 'cni.dev/secret': 1 }
    const network = cniNetwork('1.1.0', 'n', [plugin, { type: 'two' }])
    const failed = await cni.gc(network, [{ containerId: 'c9' }]).catch((reason: unknown) => reason)
    expect((failed as AggregateError).errors).toHaveLength(1)
    expect(JSON.parse(readFileSync(`${folder}/GC`, 'utf8'))).toEqual({
      cniVersion: '1.1.0',
      name: 'n',
      type: 'one',
      'cni.dev/valid-attachments': [{ containerID: 'c9', ifname: 'eth0' }],
    })
    expect(existsSync(`${folder}/two`)).toBe(true)
    await expect(cni.status(network)).rejects.toMatchObject({ plugin: { cniCode: 50, command: 'STATUS' } })
    await cni.status(cniNetwork('1.0.0', 'n', [plugin])) // has no STATUS
  })

  it('refuses what would be read otherwise than it was meant', async () => {
    using test = testCni()
    const network = cniNetwork('1.0.0', 'n', [{ type: 'loopback' }])
    for (const wrong of [
      { containerId: '../x' },
      { containerId: '' },
      { ifname: 'a/b' },
      { args: { A: '1;CNI_X=2' } },
      { netns: 'a\0b' },
    ]) {
      await expect(test.cni.add(network, { ...attachment, ...wrong })).rejects.toMatchObject({
        code: 'ERR_NETBRIDGE_INVALID_ARG',
      })
    }
  })
})
