import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { TLSSocket, type PeerCertificate } from 'node:tls'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { startHttp } from '../../test/support/http-server.js'
import { startProxy } from '../../test/support/proxy-server.js'
import { makeIdentity } from '../../test/support/x509.js'
import { Connections, type HttpAnswer } from './connections.js'
import { RegistryClient, type RegistryClientOptions } from '../client/registry-client.js'

const authority = makeIdentity({ name: 'test authority' })
const server = makeIdentity({ name: 'server', issuer: authority, hosts: ['127.0.0.1', 'registry.test'] })
const client = makeIdentity({ name: 'client', issuer: authority })
const ownTls = { cert: server.cert, key: server.keyPem }
const ann = { username: 'ann', password: 'secret' }

/** Common name of the certificate that came with a request. */
function shown({ socket }: IncomingMessage): string {
  if (!(socket instanceof TLSSocket)) return 'nobody'
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>
  return typeof subject?.CN === 'string' ? subject.CN : 'nobody'
}

async function ping(address: string, options: RegistryClientOptions = {}): Promise<void> {
  await using own = new RegistryClient({ credentials: 'anonymous', retries: 0, proxy: {}, ...options })
  await own.ping(address)
}

describe('TLS', () => {
  it('checks certificates by own authorities, and not at all where a registry is insecure', async () => {
    await using registry = await startHttp((_, response) => response.end('{}'), ownTls)
    const { address } = registry
    await expect(ping(address, { insecure: false })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
    })
    await ping(address, { insecure: false, tls: { [address]: { ca: authority.cert } } })
    await ping(address, { insecure: [address] })
    await ping(address, { insecure: ['127.0.0.0/8'] })
    const other = makeIdentity({ name: 'other authority' })
    const wrong = ping(address, { tls: { [address]: { ca: other.cert } } })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONNECTION' }) // and not plain HTTP then
  })

  it('shows a client certificate from a folder like certs.d, to that host only', async () => {
    using folder = temporaryFolder()
    const tls = { ...ownTls, ca: authority.cert, requestCert: true, rejectUnauthorized: false }
    const seen: string[] = []
    await using other = await startHttp((request, response) => {
      seen.push(shown(request))
      response.end('{}')
    }, tls)
    await using registry = await startHttp((request, response) => {
      seen.push(shown(request))
      response.writeHead(307, { location: `https://${other.address}/` }).end()
    }, tls)
    const own = join(folder.path, registry.address)
    mkdirSync(own)
    writeFileSync(join(own, 'ca.crt'), authority.cert)
    writeFileSync(join(own, 'client.cert'), client.cert)
    const options = { certificates: folder.path, insecure: [other.address] }
    await expect(ping(registry.address, options)).rejects.toThrow('client.cert has no client.key beside it')
    writeFileSync(join(own, 'client.key'), client.keyPem)
    await ping(registry.address, options)
    expect(seen).toEqual(expect.arrayContaining(['client', 'nobody']))
    expect(seen.slice(-2)).toEqual(['client', 'nobody'])
    writeFileSync(join(own, 'ca.crt'), 'damaged')
    await expect(ping(registry.address, options)).rejects.toMatchObject({ code: 'ERR_REGISTRY_CREDENTIALS' })
  })
})

describe('the pieces of an answer', () => {
  it.each([
    ['is reset', (socket: Socket) => socket.resetAndDestroy(), 'ERR_REGISTRY_CONNECTION'],
    ['ends', (socket: Socket) => socket.end(), 'ERR_REGISTRY_CONNECTION'],
    ['is given up', (_: Socket, own: AbortController) => own.abort(), 'ABORT_ERR'],
  ])('fail where the connection %s before they are asked for', async (_, end, code) => {
    const own = new AbortController()
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 21}\r\n\r\n`)
        setTimeout(() => end(socket, own), 5)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const connections = new Connections({ proxy: {}, idleTimeoutMs: 10_000 })
    try {
      const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      const answer = await connections.exchange({ what: 'get it', method: 'GET', url, signal: own.signal })
      await sleep(100)
      const first = answer.pieces[Symbol.asyncIterator]().next()
      await expect(first).rejects.toMatchObject(code === 'ABORT_ERR' ? { name: 'AbortError' } : { code })
    } finally {
      connections.close()
      server.close()
    }
  })
})

describe('proxies', () => {
  it('reaches HTTPS by CONNECT and HTTP as a whole address, with a password', async () => {
    await using proxy = await startProxy({ user: 'u:p@ss' })
    await using secure = await startHttp((_, response) => response.end('{}'), ownTls)
    await using plain = await startHttp((_, response) => response.end('{}'))
    const [securePort, plainPort] = [secure, plain].map(({ address }) => address.split(':')[1]!)
    const name = `registry.test:${securePort!}`
    const address = `http://u:p%40ss@${proxy.address}`
    const tls = { [name]: { ca: authority.cert } }
    await ping(name, { proxy: { https: address }, tls })
    expect(proxy.requests).toEqual([`CONNECT ${name}`])
    await ping(`other.test:${plainPort!}`, { proxy: { http: address }, insecure: ['other.test'] }).catch(
      () => undefined, // nobody knows other.test without the proxy for https
    )
    await ping(`other.test:${plainPort!}`, {
      proxy: { http: address, https: address },
      insecure: ['other.test'],
    })
    expect(proxy.requests.at(-1)).toBe(`GET http://other.test:${plainPort!}/v2/`)
    const refused = ping(name, { proxy: { https: `http://u:wrong@${proxy.address}` }, tls })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONNECTION' })
    await expect(refused).rejects.toThrow(`proxy ${proxy.address} answered 407`)
    await expect(refused).rejects.not.toThrow('wrong')
  })

  it.each(['straight', 'through a proxy'])('brings every byte of a large answer over TLS %s', async (way) => {
    const bytes = randomBytes(8 * 2 ** 20 + 1)
    await using secure = await startHttp((_, response) => {
      response.setHeader('Content-Length', bytes.length)
      response.end(bytes)
    }, ownTls)
    await using proxy = await startProxy({})
    const name = `registry.test:${secure.address.split(':')[1]!}`
    const connections = new Connections({
      proxy: way === 'straight' ? {} : { https: proxy.address },
      tls: Object.fromEntries([name, secure.address].map((host) => [host, { ca: authority.cert }])),
    })
    try {
      const url = new URL(`https://${way === 'straight' ? secure.address : name}/`)
      const open = (): Promise<HttpAnswer> => connections.exchange({ what: 'get it', method: 'GET', url })
      const hash = createHash('sha256')
      for await (const piece of (await open()).pieces) hash.update(piece)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
      for await (const piece of (await open()).pieces) {
        expect(piece.equals(bytes.subarray(0, piece.length))).toBe(true)
        break // whoever has enough takes no connection with him
      }
      expect((await buffer((await open()).body)).equals(bytes)).toBe(true)
    } finally {
      connections.close()
    }
    expect(proxy.requests.length > 0).toBe(way !== 'straight')
  })

  it('never takes an answer of the proxy for one of the registry', async () => {
    await using tokens = await startHttp((_, response) => response.end('{"token":"x"}'), ownTls)
    const challenge = `WWW-Authenticate: Bearer realm="https://${tokens.address}/"`
    for (const answer of [
      `HTTP/1.1 401 Unauthorized\r\n${challenge}\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 401 Unauthorized\r\n${challenge}\r\n\r\n`,
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
      'rubbish\r\n\r\n',
      `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(100_000)}\r\n\r\n`,
    ]) {
      await using proxy = await startProxy({ answer })
      const asked = ping('registry.test', { proxy: { https: proxy.address }, credentials: ann })
      await expect(asked).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONNECTION' })
    }
    expect(tokens.requests).toEqual([])
  })

  it('gives up a proxy that stalls', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const https = `127.0.0.1:${(silent.address() as AddressInfo).port}`
    try {
      await expect(ping('registry.test', { proxy: { https }, idleTimeoutMs: 50 })).rejects.toMatchObject({
        code: expect.stringMatching(/TIMEOUT|CONNECTION/),
      })
    } finally {
      silent.close()
    }
  })
})
