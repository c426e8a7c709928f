import { fileURLToPath } from 'node:url'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck } from '@ctr/testing'
import { AddressPool } from '../src/address/address-pool.js'
import { checkPlan } from '../src/address/plan.js'
import { createNetworkNamespace, Netbridge, type EndpointInfo } from '../src/index.js'
import { PortClaims } from '../src/state/port-claims.js'
import { askFromHost, serve } from './support/inside.js'
import { run, testNetwork } from './support/network.js'

leakCheck()

const ROUNDS = 12

describeOn(['root', 'bin:ip', 'bin:nft', 'bin:nsenter'], 'a network and its owners', () => {
  it('loses nothing and leaks nothing when owners are killed at any moment', async () => {
    using owner = bundleFile(fileURLToPath(new URL('support/owner.ts', import.meta.url)))
    await using network = await testNetwork()
    const { net, state, instance } = network
    using netns = createNetworkNamespace()
    const kept = net.attach({ id: 'kept', netnsFd: netns.fd, publish: [{ container: 80 }] })
    await using _server = await serve(netns.fd, 80, 'kept')

    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [owner.path, state, instance, 'churn', `r${round}-`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await sleep(Math.random() * 40)
      child.kill('SIGKILL')
      await once(child, 'close')
    }

    const again = await Netbridge.open({ state, instance })
    expect(again.endpoints().length).toBeGreaterThan(1)
    expect(again.cleanup(['kept']).length).toBeGreaterThan(0)
    await again.close()

    expect(net.endpoints().map(({ id }) => id)).toEqual(['kept'])
    const links = run(undefined, 'ip', '-o', 'link', 'show', 'master', net.bridge)
    expect(links.trim().split('\n')).toHaveLength(1)
    expect(run(undefined, 'nft', 'list', 'map', 'inet', instance, 'ports').match(/ : /g)).toHaveLength(2) // type, element
    const folder = join(state, 'networks', net.bridge)
    const addresses = new AddressPool(folder, checkPlan({ subnet: net.subnet }))
    const ports = new PortClaims(join(state, 'ports'))
    expect(addresses.entries()).toEqual([[kept.address, 'kept']])
    expect([...ports.entries()].map(([{ host }]) => host)).toEqual([kept.ports[0]!.host])
    addresses.close()
    ports.close()
    expect(await askFromHost('127.0.0.1', kept.ports[0]!.host)).toMatch(/^kept sees /)
    expect(net.endpoint('kept')).toMatchObject({ address: kept.address })
    net.endpoint('kept')!.detach()
    expect(await askFromHost('127.0.0.1', kept.ports[0]!.host)).toBe('ECONNREFUSED')
  })

  it('never hands out an address or a port twice, with several processes at once', async () => {
    using owner = bundleFile(fileURLToPath(new URL('support/owner.ts', import.meta.url)))
    await using network = await testNetwork()
    const { net, state, instance } = network
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((prefix) =>
        promisify(execFile)(process.execPath, [owner.path, state, instance, 'attach', prefix]),
      ),
    )
    const all = answers.flatMap(({ stdout }) => JSON.parse(stdout) as EndpointInfo[])
    expect(new Set(all.map(({ address }) => address)).size).toBe(60)
    expect(new Set(all.map(({ ports }) => ports[0]!.host)).size).toBe(60)
    expect(net.endpoints()).toHaveLength(60)
    expect(net.cleanup([])).toHaveLength(60)
    expect(net.endpoints()).toEqual([])
  })

  it('puts the table back, published ports and all, after somebody flushed it', async () => {
    await using network = await testNetwork()
    const { net, state, instance } = network
    using netns = createNetworkNamespace()
    using other = createNetworkNamespace()
    const first = net.attach({ id: 'first', netnsFd: netns.fd, publish: [{ container: 80 }] })
    await using _server = await serve(netns.fd, 80, 'first')
    run(undefined, 'nft', 'delete', 'table', 'inet', instance)
    expect(await askFromHost('127.0.0.1', first.ports[0]!.host)).toBe('ECONNREFUSED')
    net.attach({ id: 'second', netnsFd: other.fd, publish: [{ container: 80 }] })
    expect(await askFromHost('127.0.0.1', first.ports[0]!.host)).toMatch(/^first sees /)

    run(undefined, 'nft', 'delete', 'table', 'inet', instance)
    const again = await Netbridge.open({ state, instance })
    expect(await askFromHost('127.0.0.1', first.ports[0]!.host)).toMatch(/^first sees /)
    await again.close()
  })
})

describeOn(['root', 'bin:ip', 'bin:nft'], 'Netbridge.open() on the real kernel', () => {
  it('chooses a subnet of its own for every instance, and keeps it', async () => {
    await using first = await testNetwork()
    await using second = await testNetwork()
    expect(second.net.subnet).not.toBe(first.net.subnet)
    const again = await Netbridge.open({ state: first.state, instance: first.instance })
    expect(again.subnet).toBe(first.net.subnet)
    await again.close()
  })

  it('refuses a subnet that the host reaches elsewhere, and other settings than before', async () => {
    await using network = await testNetwork()
    const conflict = expect.objectContaining({ code: 'ERR_NETBRIDGE_SUBNET_CONFLICT' })
    await expect(testNetwork({ subnet: network.net.subnet })).rejects.toEqual(conflict)
    const { state, instance } = network
    await expect(Netbridge.open({ state, instance, subnet: '10.99.0.0/24' })).rejects.toEqual(conflict)
  })

  it('refuses a link that is not its own', async () => {
    await using network = await testNetwork()
    await expect(testNetwork({ bridge: network.net.bridge })).rejects.toEqual(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_EXISTS' }),
    )
    await expect(testNetwork({ bridge: 'lo' })).rejects.toEqual(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_EXISTS' }),
    )
  })

  it('is undone by remove(), twice if one likes', async () => {
    const network = await testNetwork()
    const { net, instance } = network
    await net.remove()
    await net.remove()
    expect(run(undefined, 'ip', '-o', 'link')).not.toContain(net.bridge)
    expect(run(undefined, 'nft', 'list', 'tables')).not.toContain(instance)
    await network[Symbol.asyncDispose]()
  })
})
