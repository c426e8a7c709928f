import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createHash, randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck } from '@ctr/testing'
import type { NetworkNamespace } from '../src/index.js'
import { ask, askFromHost, askUdpFromHost, mirror, serve, serveUdp } from './support/inside.js'
import { namespaces, run, testNetwork, testNetworks, world } from './support/network.js'

leakCheck()

const taken = expect.objectContaining({ code: 'ERR_NETBRIDGE_PORT_TAKEN' })

/** What a program of the host gets that wants to listen. */
async function listenOn(port: number, host = '0.0.0.0'): Promise<string> {
  const server = createServer()
  const outcome = await new Promise<string>((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
    server.listen({ port, host, ipv6Only: true }, () => resolve('listens'))
  })
  if (outcome === 'listens') {
    server.close()
    await once(server, 'close')
  }
  return outcome
}

/** An IPv6 address that can be used at once, without asking whether somebody else has it. */
function settle(netns: NetworkNamespace | undefined, address: string, link: string): void {
  run(netns, 'ip', 'address', 'delete', address, 'dev', link)
  run(netns, 'ip', 'address', 'add', address, 'dev', link, 'nodad')
}

async function eventually(body: () => Promise<string>, wanted: string): Promise<void> {
  let outcome = await body()
  for (let attempt = 0; attempt < 100 && outcome !== wanted; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    outcome = await body()
  }
  expect(outcome).toBe(wanted)
}

describeOn(['root', 'bin:ip', 'bin:nft', 'bin:nsenter'], 'published ports', () => {
  it('lead to IPv6 addresses too: from the host, from others, and from containers', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'six', ipv6: true })
    using outside = world('fd99:1::1/64', 'fd99:1::2/64')
    settle(outside.netns, 'fd99:1::2/64', 'up0')
    settle(undefined, 'fd99:1::1/64', outside.link)
    using all = namespaces(2)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    net.attach({ id: 'other', netnsFd: all[1]!.fd })
    await using _four = await serve(all[0]!.fd, 80, 'web')
    await using _six = await serve(all[0]!.fd, 81, 'six', '::')
    const at = net.attach.bind(net)
    expect(() => at({ id: 'x', netnsFd: all[1]!.fd, name: 'eth9', publish: [web.ports[0]!] })).toThrow(taken)
    web.detach({ netnsFd: all[0]!.fd })

    const publish = [{ container: 81 }, { container: 81, hostIp: 'fd99:1::1' }]
    const again = net.attach({ id: 'web', netnsFd: all[0]!.fd, publish })
    const { gateway } = again.ipv6!
    const [every, one] = again.ports.map(({ host }) => host) as [number, number]
    await eventually(() => askFromHost('fd99:1::1', every), 'six sees fd99:1::1')
    expect(await askFromHost(gateway, every)).toMatch(/^six sees fd/)
    expect(await ask(outside.netns.fd, 'fd99:1::1', every)).toBe('six sees fd99:1::2')
    expect(await ask(outside.netns.fd, 'fd99:1::1', one)).toBe('six sees fd99:1::2')
    expect(await ask(all[1]!.fd, gateway, every)).toBe(`six sees ${gateway}`)
    expect(await ask(all[0]!.fd, gateway, every)).toBe(`six sees ${gateway}`)
    expect(await ask(all[1]!.fd, gateway, one)).toBe('ECONNREFUSED')
    expect(await listenOn(every, '::')).toBe('EADDRINUSE')
  })

  it('lead from [::1] too, carried by the process, without loss and no faster than they are taken', async () => {
    await using store = testNetworks()
    const net = await store.networks.create({ name: 'six', ipv6: true })
    using all = namespaces(1)
    const publish = [
      { container: 80 },
      { container: 80, hostIp: '::1' },
      { container: 80, protocol: 'udp', hostIp: '::1' },
      { container: 81 },
    ] as const
    const netnsFd = all[0]!.fd
    const web = net.attach({ id: 'web', netnsFd, publish })
    const { gateway, address } = web.ipv6!
    const [every, one, udp, mirrored] = web.ports.map(({ host }) => host) as [number, number, number, number]
    expect(await askFromHost('::1', every)).toBe('ECONNRESET') // nobody listens inside
    await using _web = await serve(netnsFd, 80, 'six', '::')
    for (const port of [every, one]) expect(await askFromHost('::1', port)).toBe(`six sees ${gateway}`)
    expect(await askFromHost(address, one)).toBe('ECONNREFUSED')
    expect(await listenOn(one, '::1')).toBe('EADDRINUSE')

    await using _udp = await serveUdp(netnsFd, 80, 'six', '::')
    expect(await askUdpFromHost('::1', udp)).toBe(`six sees ${gateway}`)

    const [sent, size] = [randomBytes(1 << 16), 512] // 32 MiB through a reader that takes its time
    await using _mirror = await mirror(netnsFd, 81, '::')
    const client = connect({ host: '::1', port: mirrored, allowHalfOpen: true })
    const received = createHash('sha256')
    const wanted = createHash('sha256')
    const reading = (async () => {
      for await (const chunk of client) {
        received.update(chunk as Buffer)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let round = 0; round < size; round++) {
      wanted.update(sent)
      if (!client.write(sent)) await once(client, 'drain')
    }
    client.end() // the other direction goes on
    await reading
    expect(received.digest('hex')).toBe(wanted.digest('hex'))

    const ports = web.ports
    web.detach({ netnsFd })
    expect(await askFromHost('::1', one)).toBe('ECONNREFUSED')
    net.attach({ id: 'again', netnsFd, publish: ports }) // at once, whatever lingers
  })

  it('are kept from programs of the host, and given back', async () => {
    await using network = await testNetwork()
    using all = namespaces(1)
    const web = network.net.attach({ id: 'web', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    const { host } = web.ports[0]!
    await using _server = await serve(all[0]!.fd, 80, 'web')
    expect(await listenOn(host)).toBe('EADDRINUSE')
    expect(await listenOn(host, '127.0.0.1')).toBe('EADDRINUSE')
    expect(await askFromHost('127.0.0.1', host)).toMatch(/^web sees/)
    web.detach()
    expect(await listenOn(host)).toBe('listens')
  })

  it('of another process are kept by it, and given back when they are taken away from here', async () => {
    using owner = bundleFile(fileURLToPath(new URL('support/owner.ts', import.meta.url)))
    await using network = await testNetwork()
    const { net, state, instance } = network
    using all = namespaces(1)
    const child = spawn(process.execPath, [owner.path, state, instance, 'hold', 'theirs'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [text] = (await once(child.stdout, 'data')) as [Buffer]
    const host = Number(text.toString())
    expect(await listenOn(host)).toBe('EADDRINUSE')
    const publish = [{ host, container: 80 }]
    expect(() => net.attach({ id: 'mine', netnsFd: all[0]!.fd, publish })).toThrow(taken)
    net.endpoint('theirs')!.detach()
    await eventually(() => listenOn(host), 'listens')
    const mine = net.attach({ id: 'mine', netnsFd: all[0]!.fd, publish })
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(await listenOn(host)).toBe('EADDRINUSE')
    mine.detach()
    net.cleanup([])
  })

  it('may be ranges, one of several, and SCTP', async () => {
    await using network = await testNetwork()
    const { net, instance } = network
    using all = namespaces(2)
    const free = net.attach({ id: 'free', netnsFd: all[0]!.fd, publish: [{ container: 80 }] })
    const { host } = free.ports[0]!
    free.detach({ netnsFd: all[0]!.fd })
    const first = net.attach({
      id: 'first',
      netnsFd: all[0]!.fd,
      publish: [
        { host, container: 8000, count: 3 },
        { host: 5000, container: 5000, protocol: 'sctp' },
      ],
    })
    expect(first.ports.map(({ host: port, container }) => [port - host, container]).slice(0, 3)).toEqual([
      [0, 8000],
      [1, 8001],
      [2, 8002],
    ])
    const second = net.attach({
      id: 'second',
      netnsFd: all[1]!.fd,
      publish: [{ host, hostTo: host + 5, container: 80 }],
    })
    expect(second.ports[0]!.host).toBe(host + 3)
    await using _server = await serve(all[0]!.fd, 8002, 'third')
    expect(await askFromHost('127.0.0.1', host + 2)).toMatch(/^third sees/)
    expect(run(undefined, 'nft', 'list', 'map', 'inet', instance, 'ports')).toMatch(/sctp \. 5000 : /)
  })
})
