import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmdirSync, writeFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Netbridge, type CniNetwork, type EndpointInfo, type NetworkNamespace } from '../src/index.js'
import { cniNetwork, netnsPath, testCni } from './support/cni.js'
import { ask, askFromHost, serve } from './support/inside.js'
import { namespaces, run, testNetwork } from './support/network.js'
import { ownPlugin } from './support/own-plugin.js'

leakCheck()

const capabilities = { portMappings: true, ips: true, mac: true, aliases: true, bandwidth: true }

function networkOf(
  version: string,
  { state, instance }: { state: string; instance: string },
  more = {},
): CniNetwork {
  return cniNetwork(version, 'ours', [{ type: 'ctr-cni', state, instance, capabilities, ...more }])
}

describeOn(['root', 'bin:ip', 'bin:tc', 'bin:nsenter'], 'ctr-cni', () => {
  it.each(['0.3.1', '1.1.0'])('attaches to a network of ours, %s', async (version) => {
    await using shared = await testNetwork()
    using test = testCni()
    using _plugin = ownPlugin(test.plugins)
    using all = namespaces(2)
    const { cni } = test
    const network = networkOf(version, shared)
    const netns = netnsPath(all[0]!.fd)
    const other = shared.net.attach({ id: 'other', netnsFd: all[1]!.fd })
    const hostPort = 20_000 + (process.pid % 10_000)
    const ip = other.address.replace(/\d+$/, '77')
    const mac = '02:00:00:00:00:77'
    const result = await cni.add(network, {
      containerId: 'web',
      netns,
      capabilities: {
        portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }],
        ips: [`${ip}/16`],
        mac,
        bandwidth: { ingressRate: 80_000_000, ingressBurst: 2_147_483_647, egressRate: 0, egressBurst: 1 },
      },
    })
    expect(result).toMatchObject({
      cniVersion: version,
      interfaces: [{ name: shared.net.bridge }, {}, { name: 'eth0', mac, sandbox: netns }],
      ips: [{ address: `${ip}/16`, gateway: shared.net.gateway, interface: 2 }],
      routes: [{ dst: '0.0.0.0/0', gw: shared.net.gateway }],
    })
    await using _server = await serve(all[0]!.fd, 80, 'web')
    expect(await ask(all[1]!.fd, ip, 80)).toBe(`web sees ${other.address}`)
    expect(await askFromHost('127.0.0.1', hostPort)).toMatch(/^web sees /)
    const [{ ifname }] = shared.net.endpoints().filter(({ address }) => address === ip) as [EndpointInfo]
    expect(run(undefined, 'tc', 'qdisc', 'show', 'dev', ifname!)).toMatch(/tbf .*rate 80Mbit/)
    const twice = {
      containerId: 'b',
      netns: netnsPath(all[1]!.fd),
      ifname: 'eth1',
      capabilities: { ips: [ip] },
    }
    await expect(cni.add(network, twice)).rejects.toMatchObject({ plugin: { cniCode: 102 } })
    expect(run(all[1], 'ip', '-o', 'link')).not.toContain('eth1')

    if (version !== '0.3.1') {
      await cni.check(network, { containerId: 'web' })
      run(all[0], 'ip', 'link', 'set', 'eth0', 'down')
      await expect(cni.check(network, { containerId: 'web' })).rejects.toThrow(
        /eth0 is down \(CNI error 110\)/,
      )
    }
    await cni.del(network, { containerId: 'web', netns })
    await cni.del(network, { containerId: 'web' })
    expect(await askFromHost('127.0.0.1', hostPort)).toBe('ECONNREFUSED')
    expect(shared.net.endpoints().map(({ id }) => id)).toEqual(['other'])
  })

  it('cleans up what is not valid any more, and nothing else', async () => {
    await using shared = await testNetwork()
    using test = testCni()
    using _plugin = ownPlugin(test.plugins)
    using all = namespaces(4)
    const network = networkOf('1.1.0', shared)
    shared.net.attach({ id: 'other', netnsFd: all[0]!.fd })
    const ids = ['a', 'b', 'c']
    await Promise.all(
      ids.map((containerId, index) =>
        test.cni.add(network, { containerId, netns: netnsPath(all[index + 1]!.fd) }),
      ),
    )
    const another = cniNetwork('1.1.0', 'another', network.plugins)
    await test.cni.gc(another, [])
    expect(shared.net.endpoints()).toHaveLength(4)
    using fresh = testCni({ plugins: [test.plugins] }) // which knows of no attachment: the plugin has to find them
    await fresh.cni.gc(network, [{ containerId: 'b' }])
    expect(shared.net.endpoints().map(({ id }) => id)).toEqual([expect.stringMatching(/^cni-.*-b-/), 'other'])
    await test.cni.gc(network, [])
  })

  it('tells by STATUS when no address is left', async () => {
    await using shared = await testNetwork({ subnet: '10.219.7.0/29' })
    using test = testCni()
    using _plugin = ownPlugin(test.plugins)
    using all = namespaces(5)
    const network = networkOf('1.1.0', shared)
    await test.cni.status(network)
    all.forEach(({ fd }, index) => shared.net.attach({ id: `c${index}`, netnsFd: fd }))
    await expect(test.cni.status(network)).rejects.toMatchObject({ plugin: { cniCode: 50 } })
  })

  it('makes the network when it is the first, and has nothing to take away when there is none', async () => {
    using test = testCni()
    using _plugin = ownPlugin(test.plugins)
    using all = namespaces(1)
    const state = `${test.folder}/state`
    const instance = `cn${process.pid}`
    const network = networkOf('1.0.0', { state, instance }, { subnet: '10.219.8.0/24', mtu: 1400 })
    await test.cni.del(network, { containerId: 'a' })
    const { ips } = await test.cni.add(network, { containerId: 'a', netns: netnsPath(all[0]!.fd) })
    expect(ips).toEqual([{ address: '10.219.8.2/24', gateway: '10.219.8.1', interface: 2 }])
    expect(run(all[0], 'ip', 'link', 'show', 'eth0')).toContain('mtu 1400')
    await test.cni.del(network, { containerId: 'a' })
    await (await Netbridge.open({ state, instance, subnet: '10.219.8.0/24', mtu: 1400 })).remove()
  })
})

/** A root file system with busybox, whose server says where it is. */
function rootfs(folder: string): string {
  const path = `${folder}/rootfs`
  run(
    undefined,
    'mkdir',
    '-p',
    ...['bin', 'proc', 'sys', 'dev', 'etc', 'tmp', 'run', 'www'].map((at) => `${path}/${at}`),
  )
  run(undefined, 'sh', '-c', `cp "$(command -v busybox)" ${path}/bin/busybox`)
  writeFileSync(`${path}/www/index.html`, 'served')
  return path
}

/** What a server says by HTTP, once it listens. */
function served(netns: NetworkNamespace | undefined, url: string): string {
  const get = `const get = () => fetch(process.argv[1]).then((answer) => answer.text())
    .then((text) => process.stdout.write(text), () => setTimeout(get, 50)); get()`
  return run(netns, 'timeout', '60', process.execPath, '-e', get, url)
}

/** Removes the cgroups that Podman leaves at the top, unless they were there before. */
function groupsOfPodman(): Disposable {
  const find = (): string[] =>
    run(undefined, 'find', '/sys/fs/cgroup', '-depth', '-type', 'd', '-path', '*/libpod_parent*').split('\n')
  const before = new Set(find())
  return {
    [Symbol.dispose]() {
      for (const group of find()) if (!before.has(group)) rmdirSync(group)
    },
  }
}

/** A mount namespace for what engines mount and leave mounted, such as `/run/netns`. */
async function ownMounts(): Promise<{ enter: readonly string[] } & AsyncDisposable> {
  const keeper = spawn('unshare', ['--mount', 'sh', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(keeper.stdout, 'data')
  return {
    enter: ['nsenter', '--mount', '--target', String(keeper.pid)],
    async [Symbol.asyncDispose]() {
      const ended = once(keeper, 'close')
      keeper.kill('SIGKILL')
      await ended
    },
  }
}

describeOn(['root', 'bin:podman', 'bin:busybox', 'bin:ip'], 'ctr-cni with podman', () => {
  it('has its containers on a network of ours', async () => {
    await using shared = await testNetwork()
    using test = testCni()
    using _plugin = ownPlugin(test.plugins)
    using all = namespaces(1)
    const { folder } = test
    shared.net.attach({ id: 'other', netnsFd: all[0]!.fd })
    run(undefined, 'mkdir', `${folder}/net.d`)
    const plugin = { type: 'ctr-cni', state: shared.state, instance: shared.instance, capabilities }
    const list = { cniVersion: '1.0.0', name: 'ours', plugins: [plugin] }
    writeFileSync(`${folder}/net.d/ours.conflist`, JSON.stringify(list))
    const config = `[network]
network_backend = "cni"
cni_plugin_dirs = ["${test.plugins}"]
network_config_dir = "${folder}/net.d"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
`
    writeFileSync(`${folder}/containers.conf`, config)
    const folders = [
      '--root',
      `${folder}/root`,
      '--runroot',
      `${folder}/runroot`,
      '--tmpdir',
      `${folder}/tmp`,
    ]
    using _groups = groupsOfPodman()
    await using mounts = await ownMounts()
    const podman = (...args: string[]): string =>
      run(
        undefined,
        ...mounts.enter,
        'env',
        `CONTAINERS_CONF=${folder}/containers.conf`,
        'podman',
        ...folders,
        ...args,
      )
    const port = 20_000 + (process.pid % 10_000)
    const name = `ctrcni${process.pid}`
    const options = ['--network', 'ours', '-p', `${port}:80`, '--name', name, '--log-driver', 'none']
    const server = ['/bin/busybox', 'httpd', '-f', '-h', '/www']
    podman('run', '-d', ...options, '--rootfs', rootfs(folder), ...server)
    try {
      const [endpoint] = shared.net.endpoints().filter(({ id }) => id.startsWith('cni-'))
      expect(podman('inspect', '--format', '{{.NetworkSettings.Networks.ours.IPAddress}}', name).trim()).toBe(
        endpoint!.address,
      )
      expect(endpoint!.names).toContain(name)
      expect(served(all[0], `http://${endpoint!.address}/`)).toBe('served')
      expect(served(undefined, `http://127.0.0.1:${port}/`)).toBe('served')
    } finally {
      podman('rm', '-f', '-t', '0', name)
    }
    expect(shared.net.endpoints().map(({ id }) => id)).toEqual(['other'])
  })
})
