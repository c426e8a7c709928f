import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashSync } from 'bcryptjs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { begin, call, putManifest, upload } from '../../test/support/by-hand.js'
import { RegistryClient } from '../client/registry-client.js'
import { digestOf } from '../manifest/digest.js'
import type { ApiError } from './api-error.js'
import { BasicAuth } from './basic-auth.js'
import { Htpasswd } from './htpasswd.js'
import { RegistryServer } from './registry-server.js'

const as = (text: string) => ({
  headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
})
const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../test/fixtures/tls', name))

describe('users of an htpasswd file', () => {
  it('are let in, also after the file has changed', async () => {
    using folder = temporaryFolder()
    const htpasswd = join(folder.path, 'users')
    writeFileSync(
      htpasswd,
      `# people\nann:${hashSync('a:b', 4)}\nbob:${hashSync('ü', 4).replace('$2b', '$2y')}\n`,
    )
    await using server = await RegistryServer.start({
      htpasswd,
      users: [{ username: 'root', password: 'r' }],
    })
    for (const right of ['ann:a:b', 'ann:a:b', 'bob:ü', 'root:r'])
      expect((await call(server, 'GET', '/v2/', as(right))).status).toBe(200)
    for (const wrong of ['ann:a', 'ann:', 'eve:a:b', ':a:b', 'bob', '', 'root:x'])
      expect((await call(server, 'GET', '/v2/', as(wrong))).status).toBe(401)
    writeFileSync(htpasswd, `ann:${hashSync('new', 4)}\n`)
    while ((await call(server, 'GET', '/v2/', as('ann:new'))).status !== 200) await sleep(50)
    expect((await call(server, 'GET', '/v2/', as('ann:a:b'))).status).toBe(401)
    expect((await call(server, 'GET', '/v2/', as('bob:ü'))).status).toBe(401)
  })

  it('must have bcrypt hashes', async () => {
    using folder = temporaryFolder()
    const htpasswd = join(folder.path, 'users')
    for (const line of [
      'ann',
      'ann:secret',
      'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
      'ann:$apr1$x$y',
      ':$2b$04$',
    ]) {
      writeFileSync(htpasswd, `\n${line}\n`)
      await expect(RegistryServer.start({ htpasswd })).rejects.toMatchObject({
        code: 'ERR_REGISTRY_CREDENTIALS',
        message: expect.stringMatching(/line 2 must be/),
      })
    }
    await expect(RegistryServer.start({ htpasswd: join(folder.path, 'none') })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_IO',
    })
  })

  it('do not wait behind any number of those who guess', async () => {
    using folder = temporaryFolder()
    const htpasswd = join(folder.path, 'users')
    writeFileSync(htpasswd, `ann:${hashSync('right', 4)}\n`)
    const auth = new BasicAuth([], await Htpasswd.open(htpasswd))
    const check = async (text: string) =>
      await auth.check(as(text)).then(
        () => 200,
        (error: unknown) => (error as ApiError).status,
      )
    expect(await check('ann:right')).toBe(200)
    const guesses = Array.from({ length: 40 }, (_, n) => check(`ann:${n}`))
    expect(await check('ann:right')).toBe(200) // known already: no hashing
    const statuses = await Promise.all(guesses)
    expect(statuses.filter((status) => status === 401)).toHaveLength(32)
    expect(statuses.filter((status) => status === 429)).toHaveLength(8)
  })
})

describe('TLS', () => {
  const get = async (server: RegistryServer, options: object) =>
    await new Promise<number>((resolve, reject) => {
      request(`${server.url}/v2/`, { agent: false, ...options }, (incoming) => {
        incoming.resume()
        resolve(incoming.statusCode!)
      })
        .on('error', reject)
        .end()
    })

  it('is spoken with the given certificate, and only to clients of the given authority', async () => {
    const tls = { cert: pem('server.pem'), key: pem('server.key') }
    await using server = await RegistryServer.start({ tls })
    expect(server.url).toMatch(/^https:/)
    expect(await get(server, { ca: pem('ca.pem') })).toBe(200)
    await expect(get(server, {})).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    await using strict = await RegistryServer.start({ tls: { ...tls, clientCa: pem('ca.pem') } })
    await expect(get(strict, { ca: pem('ca.pem') })).rejects.toMatchObject({
      code: /ECONNRESET|EPROTO|ERR_SSL/,
    })
    const own = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') }
    expect(await get(strict, own)).toBe(200)
  })

  it('needs a certificate that fits its key', async () => {
    for (const key of [pem('client.key'), 'no key']) {
      await expect(RegistryServer.start({ tls: { cert: pem('server.pem'), key } })).rejects.toMatchObject({
        code: 'ERR_REGISTRY_INVALID_ARG',
      })
    }
  })
})

describe('a read-only server', () => {
  it('shows what there is, and takes and deletes nothing', async () => {
    using folder = temporaryFolder()
    const writer = await RegistryServer.start({ root: folder.path })
    const body = await putManifest(writer, 'a', '1')
    const location = await begin(writer)
    await writer.close()
    await using server = await RegistryServer.start({ root: folder.path, readOnly: true })
    expect((await call(server, 'GET', '/v2/a/manifests/1')).body).toBe(body)
    expect((await call(server, 'HEAD', `/v2/a/blobs/${digestOf('{}')}`)).status).toBe(200)
    for (const [method, path] of [
      ['PUT', '/v2/a/manifests/2'],
      ['DELETE', '/v2/a/manifests/1'],
      ['DELETE', `/v2/a/blobs/${digestOf('{}')}`],
      ['POST', '/v2/a/blobs/uploads/'],
      ['PATCH', location],
      ['PUT', `${location}?digest=${digestOf('')}`],
    ] as const) {
      expect(await call(server, method, path)).toMatchObject({
        status: 405,
        body: expect.stringContaining('UNSUPPORTED'),
        headers: { allow: 'GET, HEAD' },
      })
    }
  })
})

describe('quotas', () => {
  const push = async (server: RegistryServer, name: string, bytes: Buffer) =>
    (await call(server, 'POST', `/v2/${name}/blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes }))
      .status

  it('bound the whole and each repository, over a restart too', async () => {
    using folder = temporaryFolder()
    const quotas = { totalBytes: 10_000, repositoryBytes: 6000 }
    const first = await RegistryServer.start({ root: folder.path, quotas })
    const [one, two, three] = ['1', '2', '3'].map((fill) => Buffer.alloc(4000, fill)) as [
      Buffer,
      Buffer,
      Buffer,
    ]
    expect(await push(first, 'a', one)).toBe(201)
    expect(await push(first, 'a', two)).toBe(403)
    expect(await push(first, 'b', two)).toBe(201)
    expect(await push(first, 'c', three)).toBe(403)
    // shared content counts once for the server, and for each repository
    expect((await call(first, 'POST', `/v2/c/blobs/uploads/?mount=${digestOf(one)}&from=a`)).status).toBe(201)
    expect((await call(first, 'POST', `/v2/b/blobs/uploads/?mount=${digestOf(one)}&from=a`)).status).toBe(403)
    await first.close()
    await using second = await RegistryServer.start({ root: folder.path, quotas })
    expect(await push(second, 'a', two)).toBe(403)
    expect(await push(second, 'd', three)).toBe(403)
    expect((await call(second, 'DELETE', `/v2/b/blobs/${digestOf(two)}`)).status).toBe(202)
    expect(await push(second, 'd', three)).toBe(403) // its bytes are still on the disk
    await second.collectGarbage()
    expect(await push(second, 'd', three)).toBe(201)
  })

  it('count uploads under way, and end a body that would never end', async () => {
    await using server = await RegistryServer.start({ quotas: { totalBytes: 1_000_000 } })
    const location = await begin(server)
    const [host, port] = server.address.split(':')
    const got = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(Number(port), host)
      const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`
      const feed = (): void => {
        while (socket.writable && socket.write(chunk));
      }
      socket.on('data', (data: Buffer) => (text += data.toString()))
      socket.on('drain', feed)
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
      socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`)
      feed()
    })
    expect(got).toMatch(/^HTTP\/1\.1 403 .*DENIED/s)
    const taken = Number((await call(server, 'GET', location)).headers['range']!.slice(2)) + 1
    expect(taken).toBeLessThanOrEqual(1_000_000)
    expect(await push(server, 'b', Buffer.alloc(1_000_001 - taken))).toBe(403)
    expect((await call(server, 'DELETE', location)).status).toBe(204)
    expect(await push(server, 'b', Buffer.alloc(1_000_001 - taken))).toBe(201)
  })
})

describe('RegistryServer.close()', () => {
  it('lets requests under way end when it is given time', async () => {
    const server = await RegistryServer.start()
    const location = await begin(server)
    const [host, port] = server.address.split(':')
    const socket = connect(Number(port), host)
    let got = ''
    socket.on('data', (data: Buffer) => (got += data.toString()))
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na`)
    while ((await call(server, 'GET', location)).headers['range'] !== '0-0') await sleep(5)
    await sleep(20)
    const closed = server.close({ graceMs: 60_000 })
    await expect(call(server, 'GET', '/v2/')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    socket.write('b')
    await closed
    expect(got).toMatch(/^HTTP\/1\.1 202 /)
  })

  it('ends those that stall', async () => {
    const server = await RegistryServer.start()
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1')
    socket.on('error', () => undefined)
    const ended = new Promise((resolve) => socket.on('close', resolve))
    socket.write(`PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na`)
    await sleep(50)
    await server.close({ graceMs: 50 })
    await ended
  })
})

describe('bounds', () => {
  it('are checked before anything starts', async () => {
    for (const options of [
      { uploadIdleMs: 0 },
      { connectionIdleMs: Number.NaN },
      { maxConnections: -1 },
      { quotas: { totalBytes: 0 } },
      { garbage: { everyMs: 2 ** 31 } },
    ]) {
      await expect(RegistryServer.start(options)).rejects.toMatchObject({ code: 'ERR_REGISTRY_INVALID_ARG' })
    }
  })

  it('hold for connections', async () => {
    await using server = await RegistryServer.start({ maxConnections: 3 })
    const [host, port] = server.address.split(':')
    const open = Array.from({ length: 3 }, () => connect(Number(port), host))
    await Promise.all(
      open.map(async (socket) => await new Promise((resolve) => socket.once('connect', resolve))),
    )
    await sleep(50)
    await expect(call(server, 'GET', '/v2/')).rejects.toMatchObject({ code: 'ECONNRESET' })
    for (const socket of open) socket.destroy()
    for (;;) {
      const status = await call(server, 'GET', '/v2/').then(
        (got) => got.status,
        () => 0,
      )
      if (status === 200) break
      await sleep(10)
    }
    await using client = new RegistryClient({ credentials: 'anonymous' })
    await client.ping(server.address)
    await upload(server, 'a', Buffer.from('x'))
  })
})
