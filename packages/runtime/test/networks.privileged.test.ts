import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Runtime, type Container, type RunOptions } from '../src/index.js'
import { busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

let opened: Awaited<ReturnType<typeof openRuntime>>
let runtime: Runtime

const page = 'nc -ll -p 80 -e echo "hello from $(hostname)"'
const server = (options: Partial<RunOptions>): Promise<Container> =>
  runtime.run({ image: busybox, command: ['sh', '-c', page], ...options })

async function sh(script: string, options: Partial<RunOptions>): Promise<string> {
  const command = ['sh', '-c', script]
  await using container = await runtime.run({ image: busybox, stdout: 'pipe', command, ...options })
  const printed = await text(container.stdout!)
  await container.wait()
  return printed
}

/** What nobody knows is refused at once. */
const nobody = { nameservers: ['127.0.0.1'] }

async function inside(container: Container, script: string): Promise<string> {
  const process = await container.exec(['sh', '-c', script], { stdout: 'pipe' })
  return await text(process.stdout!)
}

describeOn(['root', 'overlay', 'bin:busybox'], 'Runtime.networks on the real kernel', () => {
  beforeAll(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  it('runs containers on several networks, with addresses that were asked for', async () => {
    const front = await runtime.networks.create({ name: 'front', subnets: [{ subnet: '10.131.0.0/24' }] })
    await runtime.networks.create({
      name: 'back',
      subnets: [{ subnet: '10.132.0.0/24' }, { subnet: 'fd00:132::/64' }],
    })
    const back = {
      name: 'back',
      aliases: ['db'],
      ip: '10.132.0.77',
      ip6: 'fd00:132::77',
      mac: '02:00:00:00:00:77',
    }
    await using web = await server({ name: 'web', network: ['front', back], publish: [{ container: 80 }] })
    const { network } = web.inspect()
    expect(network).toMatchObject({ mode: 'bridge', address: '10.131.0.2', failure: null, container: null })
    expect(network.networks).toMatchObject([
      { name: 'front', interface: 'eth0', address: '10.131.0.2', ipv6: null },
      { name: 'back', interface: 'eth1', address: back.ip, ipv6: back.ip6, mac: back.mac, aliases: ['db'] },
    ])
    expect(network.ports).toHaveLength(1)
    expect(await inside(web, 'ip route')).toContain('default via 10.131.0.1 dev eth0')
    expect(await inside(web, 'cat /etc/hosts')).toContain('fd00:132::77\t')
    expect(await sh('nc 10.132.0.77 80 </dev/null', { network: 'back' })).toMatch(/^hello from/)
    expect(await sh('nc fd00:132::77 80 </dev/null', { network: 'back' })).toMatch(/^hello from/)
    expect(await sh('nc -w1 10.131.0.2 80 </dev/null; true', { network: 'back' })).toBe('')

    expect(runtime.networks.inspect('back').containers).toMatchObject([{ id: web.id, names: ['web', 'db'] }])
    expect(runtime.networks.inspect(front.id.slice(0, 10)).name).toBe('front')
    await expect(runtime.networks.remove('back')).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_IN_USE' })
  })

  it('counts what containers send and receive, and limits it from the start and while they run', async () => {
    await runtime.networks.create({ name: 'slow', subnets: [{ subnet: '10.139.0.0/24' }] })
    const bandwidth = { ingressRate: 80_000_000, egressRate: 8_000_000 }
    await using web = await server({ name: 'web', network: { name: 'slow', bandwidth } })
    const { address } = web.inspect().network
    const sent = 'dd if=/dev/zero bs=1000 count=2000 2>/dev/null | nc -l -p 81'
    const sending = await web.exec(['sh', '-c', sent])
    const begin = performance.now()
    const get = `nc ${address!} 81 <&3 >/got 2>/dev/null && [ -s /got ]`
    const script = `mkfifo /open; exec 3<>/open; until ${get}; do sleep 0.05; done; wc -c </got`
    expect(await sh(script, { network: 'slow' })).toBe('2000000\n')
    expect(performance.now() - begin).toBeGreaterThan(1000) // 2 s, less what may pass at once
    await sending.wait()
    const { eth0 } = web.stats().networks!
    expect(eth0!.txBytes).toBeGreaterThan(2_000_000)
    expect(eth0!.rxPackets).toBeGreaterThan(0)

    await runtime.networks.limit('slow', 'web', { ingressRate: 1_000_000 })
    expect(web.inspect().network.networks[0]!.wanted.bandwidth).toEqual({ ingressRate: 1_000_000 })
    expect(runtime.networks.inspect('slow').containers[0]!.bandwidth).toEqual({ ingressRate: 1_000_000 })
    await expect(runtime.networks.limit('bridge', 'web', {})).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    await using host = await server({ network: 'host' })
    expect(host.stats().networks).toBeUndefined()
    await web.remove({ force: true })
    await runtime.networks.remove('slow')
  })

  it('serves names to containers on networks of their own, as long as this process is there', async () => {
    await runtime.networks.create({ name: 'named', subnets: [{ subnet: '10.134.0.0/24' }] })
    await runtime.networks.create({ name: 'late', subnets: [{ subnet: '10.135.0.0/24' }] })
    await using web = await server({ name: 'web', network: { name: 'named', aliases: ['shop'] } })
    await using asker = await server({
      name: 'asker',
      network: 'named',
      dns: { ...nobody, search: ['example.org'] },
    })
    expect(await inside(asker, 'cat /etc/resolv.conf')).toBe(
      'nameserver 127.0.0.11\nsearch example.org\noptions ndots:0\n',
    )
    const { address } = web.inspect().network
    for (const name of ['web', 'shop', web.id.slice(0, 12)]) {
      expect(await inside(asker, `nslookup -type=a ${name}.`)).toContain(`Address: ${address!}`)
      expect(await inside(asker, `nc ${name} 80 </dev/null`)).toMatch(/^hello from/)
    }
    await using other = await server({ name: 'other', network: 'late' })
    expect(await inside(asker, 'nslookup -type=a other.')).not.toContain('Name:')
    await runtime.networks.connect('late', 'asker')
    expect(await inside(asker, 'nslookup -type=a other.')).toContain(other.inspect().network.address)
    await runtime.networks.disconnect('late', 'asker')
    expect(await inside(asker, 'nslookup -type=a other.')).not.toContain('Name:')
    // on the one that is always there, as with Docker
    expect(await sh('cat /etc/resolv.conf', {})).not.toContain('127.0.0.11')
    for (const container of [web, asker, other]) await container.remove({ force: true })
    for (const name of ['named', 'late']) await runtime.networks.remove(name)
  })

  it('serves names to those that outlived who had started them', async () => {
    const { root, state } = runtime
    await runtime.networks.create({ name: 'kept', subnets: [{ subnet: '10.136.0.0/24' }] })
    const first = await Runtime.open({ root, state })
    const streams = { stdout: 'ignore', stderr: 'ignore', dns: nobody } as const
    const command = ['sleep', '1000']
    const { id } = await first.run({
      ...{ image: busybox, name: 'kept', network: 'kept', detach: true, command, ...streams },
    })
    await first.close()
    const kept = runtime.container(id)
    try {
      expect(await inside(kept, 'nslookup -type=a kept.')).not.toContain('Name:')
      await using second = await Runtime.open({ root, state, adoptNames: true })
      expect(second.failedCleanUps).toEqual([])
      expect(await inside(kept, 'nslookup -type=a kept.')).toContain(kept.inspect().network.address)
    } finally {
      await kept.remove({ force: true })
      await runtime.networks.remove('kept')
    }
  })

  it('connects and disconnects a running container', async () => {
    await runtime.networks.create({ name: 'more', subnets: [{ subnet: '10.133.0.0/24' }] })
    await using web = await server({ name: 'web' })
    await runtime.networks.connect('more', 'web', { ip: '10.133.0.9', aliases: ['api'] })
    expect(web.inspect().network.networks.map(({ name, address }) => [name, address])).toMatchObject([
      ['bridge', expect.any(String)],
      ['more', '10.133.0.9'],
    ])
    expect(await sh('nc 10.133.0.9 80 </dev/null', { network: 'more' })).toMatch(/^hello from/)
    await runtime.networks.disconnect('bridge', 'web')
    expect(await inside(web, 'ip route; ls /sys/class/net')).toMatch(/default via 10\.133\.0\.1 dev eth1/)
    expect(web.inspect().network.networks.map(({ name }) => name)).toEqual(['more'])
    await web.remove({ force: true })
    expect(runtime.networks.inspect('more').containers).toEqual([])
  })

  it('shares the network of another container', async () => {
    await using web = await server({ name: 'web', hostname: 'web' })
    const shared = await sh('hostname; nc 127.0.0.1 80 </dev/null; cat /etc/hosts', {
      network: 'container:web',
    })
    expect(shared).toContain('web\nhello from web\n')
    expect(shared).toContain(`${web.inspect().network.address!}\tweb\n`)
    const wrong: [Partial<RunOptions>, string][] = [
      [{ network: 'container:nobody' }, 'ERR_RUNTIME_CONTAINER_NOT_FOUND'],
      [{ network: 'container:web', publish: [{ container: 80 }] }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ network: 'container:web', sysctls: { 'net.ipv4.ip_forward': '1' } }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ network: 'container:web', userNamespace: 'auto' }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ network: ['container:web', 'bridge'] }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ network: ['bridge', 'bridge'] }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ network: { name: 'host', ip: '10.0.0.1' } }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ network: [] }, 'ERR_RUNTIME_INVALID_ARG'],
    ]
    for (const [options, code] of wrong)
      await expect(runtime.run({ image: busybox, ...options })).rejects.toMatchObject({ code })
    await web.remove({ force: true })
    expect(runtime.containers()).toEqual([])
  })

  it('says what is wrong, and leaves nothing', async () => {
    const run = (options: Partial<RunOptions>): Promise<unknown> =>
      runtime.run({ image: busybox, ...options })
    await expect(run({ network: 'nowhere' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
      message: expect.stringContaining('cannot find network nowhere'),
    })
    await expect(run({ network: ['bridge', 'nowhere'] })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    await expect(run({ network: { name: 'bridge', ip: '1.2.3.4' } })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    for (const name of ['bridge', 'host', 'none', 'default'])
      await expect(runtime.networks.create({ name })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
      })
    await expect(runtime.networks.remove('bridge')).rejects.toMatchObject({ code: 'ERR_RUNTIME_INVALID_ARG' })
    await using alone = await server({ name: 'alone', network: 'none' })
    await expect(runtime.networks.connect('bridge', 'alone')).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    await alone.remove({ force: true })
    expect(runtime.networks.inspect('bridge').containers).toEqual([])
    expect(runtime.containers()).toEqual([])
  })

  it('keeps networks for the next runtime of the same folder, and prunes what nobody uses', async () => {
    const { root, state } = runtime
    await using second = await Runtime.open({ root, state })
    expect(second.networks.list()).toEqual(runtime.networks.list())
    await using container = await second.run({ image: busybox, network: 'front', command: ['sleep', '60'] })
    expect(await runtime.networks.prune()).toEqual(['back', 'more'])
    await container.remove({ force: true })
    expect(await second.networks.prune()).toEqual(['front'])
    expect(second.networks.list().map(({ name }) => name)).toEqual(['bridge'])
  })
})
