import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { decode, encode, RECURSION_AVAILABLE } from 'dns-packet'
import { expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { resolvConf } from '../src/index.js'
import { dig, dnsmasq, liar, runAsync } from './support/names.js'
import { namespaces, testNetwork } from './support/network.js'

leakCheck()

const needs = ['root', 'bin:ip', 'bin:nsenter', 'bin:dig', 'bin:dnsmasq'] as const

describeOn(needs, 'names of a network', () => {
  it('lead containers to each other, by UDP and TCP, both ways', async () => {
    await using network = await testNetwork()
    const { net } = network
    using all = namespaces(3)
    await using dns = await net.serveDns({ forward: false })
    const id = 'c0ffee'.repeat(11).slice(0, 64)
    const web = net.attach({ id, netnsFd: all[0]!.fd, names: ['web', 'shared'] })
    const other = net.attach({ id: 'other', netnsFd: all[1]!.fd, names: ['shared'] })
    const ask = (...args: readonly string[]) => dig(all[2], dns.address, ...args)
    net.attach({ id: 'asker', netnsFd: all[2]!.fd })

    for (const name of ['web', 'WEB', `web.${net.bridge}`, id.slice(0, 12)]) {
      expect(await ask(name)).toMatchObject({ status: 'NOERROR', answers: [`${name}. A ${web.address}`] })
    }
    expect((await ask('web')).flags).toEqual(expect.arrayContaining(['qr', 'aa', 'rd', 'ra']))
    expect((await ask('+tcp', 'web')).answers).toEqual([`web. A ${web.address}`])
    expect((await ask('shared')).answers.toSorted()).toEqual(
      [web, other].map(({ address }) => `shared. A ${address}`).toSorted(),
    )
    expect(await ask('web', 'AAAA')).toMatchObject({ status: 'NOERROR', answers: [] })
    const reversed = other.address.split('.').reverse().join('.')
    expect((await ask('-x', other.address)).answers.toSorted()).toEqual(
      ['other', 'shared'].map((name) => `${reversed}.in-addr.arpa. PTR ${name}.${net.bridge}.`),
    )
    expect((await ask('-x', net.gateway)).status).toBe('NXDOMAIN')
    expect((await ask('example.org')).status).toBe('REFUSED')
    expect((await ask('web', 'AXFR', '+tcp')).answers).toEqual([])

    web.detach() // known at once
    expect((await ask('web')).status).toBe('REFUSED')
    net.attach({ id, netnsFd: all[0]!.fd, name: 'eth1', names: ['web'] }).detach()
  })

  it('are what the C library of a container finds', async () => {
    await using network = await testNetwork()
    using folder = temporaryFolder()
    const { net } = network
    using all = namespaces(2)
    await using _dns = await net.serveDns({ forward: false })
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    net.attach({ id: 'asker', netnsFd: all[1]!.fd })
    const file = join(folder.path, 'resolv.conf')
    writeFileSync(file, resolvConf({ nameservers: [net.gateway] }))
    const script = 'mount --bind "$1" /etc/resolv.conf && getent ahosts web'
    const found = await runAsync(all[1], 'unshare', '--mount', 'sh', '-c', script, 'sh', file)
    expect(found).toContain(web.address)
  })

  it('that nobody has are asked of others, and kept as long as they say', async () => {
    await using network = await testNetwork()
    const { net } = network
    using all = namespaces(1)
    net.attach({ id: 'asker', netnsFd: all[0]!.fd })
    const server = await dnsmasq(
      '127.53.0.1',
      '--address=/out.example/192.0.2.7',
      '--local-ttl=300',
      '--txt-record=long.example,' + 'x'.repeat(200).concat(',').repeat(6) + 'end',
    )
    try {
      await using dns = await net.serveDns({ forward: ['127.53.0.9', '127.53.0.1'] }) // nobody is at the first
      const ask = (...args: readonly string[]) => dig(all[0], dns.address, ...args)
      const first = await ask('out.example')
      expect(first).toMatchObject({
        status: 'NOERROR',
        answers: ['out.example. A 192.0.2.7'],
        seconds: [300],
      })
      expect((await ask('nowhere.example')).status).toBe('NXDOMAIN')
      // more than fits into a datagram: dig asks again by TCP, and so do we
      expect((await ask('long.example', 'TXT')).answers[0]).toContain('"end"')
      expect((await ask('+ignore', 'long.example', 'TXT')).flags).toContain('tc')
      const ended = once(server, 'close')
      server.kill()
      await ended
      const kept = await ask('out.example')
      expect(kept.answers).toEqual(['out.example. A 192.0.2.7'])
      expect(kept.seconds[0]).toBeLessThanOrEqual(300)
      expect((await ask('other.example')).status).toBe('SERVFAIL')
    } finally {
      server.kill()
    }
  })

  it('are for the network and the host, and for nobody else', async () => {
    await using one = await testNetwork()
    await using two = await testNetwork()
    using all = namespaces(2)
    await using dns = await one.net.serveDns({ forward: false })
    const web = one.net.attach({ id: 'web', netnsFd: all[0]!.fd })
    two.net.attach({ id: 'stranger', netnsFd: all[1]!.fd })
    expect((await dig(undefined, dns.address, 'web')).answers).toEqual([`web. A ${web.address}`])
    expect((await dig(all[1], dns.address, '+time=2', 'web')).status).toBeUndefined()
    expect((await dig(all[1], dns.address, '+time=2', '+tcp', 'web')).status).toBeUndefined()
  })

  it('are served by every process that has the network open, of all endpoints', async () => {
    using owner = bundleFile(fileURLToPath(new URL('support/owner.ts', import.meta.url)))
    await using network = await testNetwork()
    const { net, state, instance } = network
    using all = namespaces(1)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    const dns = await net.serveDns({ forward: false })
    const child = spawn(process.execPath, [owner.path, state, instance, 'names'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(child.stdout, 'data')
      const answers = async (): Promise<unknown[]> => {
        const asked = Array.from({ length: 20 }, () => dig(all[0], net.gateway, 'web'))
        return [...new Set((await Promise.all(asked)).flatMap((found) => found.answers))]
      }
      expect(await answers()).toEqual([`web. A ${web.address}`])
      await dns.close()
      expect(await answers()).toEqual([`web. A ${web.address}`]) // the other one's
    } finally {
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    }
  })

  it('are not served where another program does', async () => {
    await using network = await testNetwork()
    const { net } = network
    const other = createSocket('udp4').bind(53, net.gateway)
    await once(other, 'listening')
    await expect(net.serveDns()).rejects.toMatchObject({
      code: 'ERR_NETBRIDGE_PORT_TAKEN',
      errnoCode: 'EADDRINUSE',
    })
    other.close()
    await once(other, 'close')
    await (await net.serveDns()).close()
  })
})

describeOn(needs, 'a server of names among hostile ones', () => {
  it('takes no answer that is not to its question', async () => {
    await using network = await testNetwork()
    const { net } = network
    using all = namespaces(1)
    net.attach({ id: 'asker', netnsFd: all[0]!.fd })
    await using _liar = await liar('127.53.0.2', (query) => {
      const { id, questions } = decode(query)
      const lie = (changes: object, name = questions![0]!.name): Buffer =>
        encode({
          type: 'response',
          id: id!,
          flags: RECURSION_AVAILABLE,
          questions: [{ type: 'A', name }],
          answers: [{ type: 'A', name, ttl: 60, data: '192.0.2.66' }],
          ...changes,
        })
      const truth = { type: 'A' as const, name: questions![0]!.name, ttl: 60, data: '192.0.2.1' }
      const rubbish = Buffer.concat([query.subarray(0, 2), Buffer.alloc(60, 0xc0)])
      return [
        query,
        rubbish,
        Buffer.alloc(0),
        lie({ id: id! ^ 1 }),
        lie({}, 'bank.example'),
        lie({ answers: [truth] }),
      ]
    })
    await using dns = await net.serveDns({ forward: ['127.53.0.2'] })
    expect((await dig(all[0], dns.address, 'true.example')).answers).toEqual(['true.example. A 192.0.2.1'])
    expect((await dig(all[0], dns.address, '+tcp', 'other.example')).status).toBe('SERVFAIL') // nobody is there by TCP
  })

  it('goes on when it gets rubbish and floods', async () => {
    await using network = await testNetwork()
    const { net } = network
    using all = namespaces(1)
    const web = net.attach({ id: 'web', netnsFd: all[0]!.fd })
    await using _silent = await liar('127.53.0.3', () => [])
    await using dns = await net.serveDns({ forward: ['127.53.0.3'] })
    const client = createSocket('udp4').bind(0, net.gateway)
    await once(client, 'listening')
    const refused = once(client, 'message')
    const query = encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'some.name.example' }] })
    for (let n = 0; n < 3000; n++) {
      const bytes = Buffer.from(query)
      bytes[n % bytes.length] = (n * 7) & 255
      client.send(
        n % 2 === 0 ? bytes : encode({ type: 'query', questions: [{ type: 'A', name: `n${n}.example` }] }),
        dns.port,
        dns.address,
      )
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await refused // more than it asks for one asker at a time
    expect((await dig(all[0], dns.address, 'web')).answers).toEqual([`web. A ${web.address}`])
    const connection = connect(dns.port, dns.address)
    connection.on('error', () => undefined)
    connection.end(Buffer.concat([Buffer.from([0, 3]), Buffer.alloc(3)]))
    await once(connection, 'close') // it hangs up on who sends no question
    client.close()
    await once(client, 'close')
    expect((await dig(all[0], dns.address, '+tcp', 'web')).answers).toEqual([`web. A ${web.address}`])
  })
})
