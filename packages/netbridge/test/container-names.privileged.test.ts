import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { CONTAINER_DNS, serveContainerDns } from '../src/index.js'
import { dig, dnsmasq, runAsync } from './support/names.js'
import { namespaces, testNetwork } from './support/network.js'

leakCheck()

const needs = ['root', 'bin:ip', 'bin:nsenter', 'bin:dig', 'bin:dnsmasq', 'bin:nft'] as const

describeOn(needs, 'names inside a container', () => {
  it('are those of all its networks, at an address that only it reaches', async () => {
    await using one = await testNetwork()
    await using two = await testNetwork()
    using all = namespaces(3)
    const first = one.net.attach({ id: 'first', netnsFd: all[0]!.fd, names: ['web'] })
    const second = two.net.attach({ id: 'second', netnsFd: all[1]!.fd, names: ['db'] })
    const asker = one.net.attach({ id: 'asker', netnsFd: all[2]!.fd })
    let networks = [one.net]
    await using dns = await serveContainerDns(all[2]!.fd, { networks: () => networks, forward: false })
    expect(dns).toMatchObject({ address: CONTAINER_DNS, port: 53 })
    const ask = (...args: readonly string[]) => dig(all[2], CONTAINER_DNS, ...args)
    expect((await ask('web')).answers).toEqual([`web. A ${first.address}`])
    expect((await ask('+tcp', 'web')).answers).toEqual([`web. A ${first.address}`])
    expect((await ask('db')).status).toBe('REFUSED')

    networks = [one.net, two.net] // it was connected to another one
    expect((await ask('db')).answers).toEqual([`db. A ${second.address}`])
    expect((await ask('-x', second.address)).answers[0]).toContain(`PTR db.${two.net.bridge}.`)

    // neither the host nor a neighbour asks it
    expect((await dig(undefined, CONTAINER_DNS, '+time=1', 'web')).status).toBeUndefined()
    expect((await dig(all[0], asker.address, '+time=1', 'web')).status).toBeUndefined()
  })

  it('leave port 53 to a server of its own', async () => {
    await using network = await testNetwork()
    using all = namespaces(1)
    const { address } = network.net.attach({ id: 'dns', netnsFd: all[0]!.fd })
    await using _dns = await serveContainerDns(all[0]!.fd, { networks: () => [network.net], forward: false })
    const enter = [`--net=/proc/${process.pid}/fd/${all[0]!.fd}`, '--', 'dnsmasq', '--keep-in-foreground']
    const own = [
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--user=root',
      '--pid-file',
      '--port=53',
    ]
    const server = spawn('nsenter', [...enter, ...own, '--address=/own.example/192.0.2.5'], {
      stdio: 'inherit',
    })
    try {
      let found = await dig(undefined, address, '+time=1', 'own.example')
      while (found.status === undefined) found = await dig(undefined, address, '+time=1', 'own.example')
      expect(found.answers).toEqual(['own.example. A 192.0.2.5'])
      expect((await dig(all[0], CONTAINER_DNS, 'dns')).answers).toEqual([`dns. A ${address}`])
    } finally {
      const ended = once(server, 'close')
      server.kill()
      await ended
    }
  })

  it('are asked of others from where the server is, and served anew by whoever comes next', async () => {
    await using network = await testNetwork()
    using all = namespaces(1)
    network.net.attach({ id: 'asker', netnsFd: all[0]!.fd })
    const server = await dnsmasq('127.53.0.4', '--address=/out.example/192.0.2.7')
    try {
      const options = { networks: () => [network.net], forward: ['127.53.0.4'] }
      const ask = () => dig(all[0], CONTAINER_DNS, 'out.example')
      for (let owner = 0; owner < 3; owner++) {
        const dns = await serveContainerDns(all[0]!.fd, options)
        expect((await ask()).answers).toEqual(['out.example. A 192.0.2.7'])
        await dns.close()
        expect((await ask()).status).toBeUndefined() // refused at once: a resolver goes on to the next server
      }
      expect((await runAsync(all[0], 'nft', 'list', 'tables')).trim()).toBe('table inet ctr_names')
    } finally {
      const ended = once(server, 'close')
      server.kill()
      await ended
    }
  })
})
