import { connect } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { begin, call, putManifest, upload } from '../../test/support/by-hand.js'
import { digestOf } from '../manifest/digest.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { RegistryServer } from './registry-server.js'

/** Sends bytes as they are, and gives all that came back when the server has hung up. */
async function raw(server: RegistryServer, text: string, more?: () => string): Promise<string> {
  const [host, port] = server.address.split(':')
  return await new Promise((resolve) => {
    let got = ''
    const socket = connect(Number(port), host)
    const feed = (): void => {
      while (more !== undefined && socket.writable && socket.write(more()));
    }
    socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')))
    socket.on('drain', feed)
    socket.on('error', () => undefined) // a reset is an answer too
    socket.on('close', () => resolve(got))
    socket.write(text)
    feed()
  })
}

describe('a hostile client', () => {
  it('cannot smuggle a request behind two lengths', async () => {
    await using server = await RegistryServer.start()
    const inner = 'DELETE /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\n\r\n'
    const both = [
      'POST /v2/a/blobs/uploads/ HTTP/1.1',
      'Host: x',
      `Content-Length: ${inner.length + 5}`,
      'Transfer-Encoding: chunked',
    ]
    for (const head of [
      both,
      ['POST /v2/ HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Content-Length: 50'],
      ['POST /v2/ HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Transfer-Encoding : chunked'],
      ['POST /v2/ HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked, identity'],
      ['POST /v2/ HTTP/1.1', 'Host: x', 'Transfer-Encoding: \u000bchunked', 'Content-Length: 3'],
    ]) {
      const got = await raw(server, `${head.join('\r\n')}\r\n\r\n0\r\n\r\n${inner}`)
      expect(got).toMatch(/^HTTP\/1\.1 400 /)
      expect(got.match(/HTTP\/1\.1/g)).toHaveLength(1)
    }
  })

  it('cannot fill the memory with headers', async () => {
    await using server = await RegistryServer.start()
    const line = `X: ${'x'.repeat(1000)}\r\n`
    expect(await raw(server, 'GET /v2/ HTTP/1.1\r\nHost: x\r\n', () => line)).toMatch(/^HTTP\/1\.1 431 /)
    expect(await raw(server, `GET /v2/${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/ 431 /)
  })

  it('is hung up on when it stalls', async () => {
    await using server = await RegistryServer.start({ connectionIdleMs: 100 })
    expect(await raw(server, 'GET /v2/ HTTP/1.1\r\nHost')).toBe('')
    const location = await begin(server)
    expect(await raw(server, `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc`)).toBe(
      '',
    )
    expect((await call(server, 'GET', location)).headers['range']).toBe('0-2')
  })

  it('gets the answer, and then the end, when it sends on without end', async () => {
    await using server = await RegistryServer.start()
    const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`
    const head = 'PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await raw(server, head, () => chunk)).toMatch(
      /^HTTP\/1\.1 413 .*connection: close.*SIZE_INVALID/is,
    )
    const long = `PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${maxManifestBytes + 1}\r\n\r\n`
    expect(await raw(server, long)).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('is told before it sends when it asks whether it may', async () => {
    await using server = await RegistryServer.start()
    const head = (path: string) =>
      `PUT ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 1\r\n\r\n`
    expect(await raw(server, head('/v2/a/blobs/uploads/none?digest=x'))).toMatch(/^HTTP\/1\.1 404 /)
    const location = await begin(server)
    const got = await raw(server, `${head(`${location}?digest=${digestOf('x')}`)}x`)
    expect(got).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /)
  })

  it('cannot make much of many ranges', async () => {
    await using server = await RegistryServer.start()
    const content = Buffer.alloc(1000, 'x')
    await upload(server, 'a', content)
    const path = `/v2/a/blobs/${digestOf(content)}`
    const bomb = `bytes=${Array.from({ length: 1000 }, () => '0-').join(',')}`
    expect(await call(server, 'GET', path, { headers: { range: bomb } })).toMatchObject({
      status: 200,
      headers: { 'content-length': '1000' },
    })
    for (const range of ['bytes=-', 'bytes=x', 'bytes=1-2x', `bytes=${'9'.repeat(400)}-`, 'lines=1-2']) {
      expect((await call(server, 'GET', path, { headers: { range } })).status).toBe(200)
    }
    for (const range of ['bytes=5-1', 'bytes=-0', 'bytes=1000-', `bytes=${'9'.repeat(15)}-`]) {
      expect((await call(server, 'GET', path, { headers: { range } })).status).toBe(416)
    }
  })

  it('cannot nest a manifest deeper than it can be read', async () => {
    await using server = await RegistryServer.start()
    const depth = maxManifestBytes / 2 - 100
    for (const body of [
      '['.repeat(depth) + ']'.repeat(depth),
      `{"schemaVersion":${'['.repeat(20)}${']'.repeat(20)}}`,
      `{"schemaVersion":2,"config":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}`,
      '"\\"',
      '{"schemaVersion":2,"__proto__":{"config":{}}}',
    ]) {
      const put = await call(server, 'PUT', '/v2/a/manifests/x', { body })
      expect([put.status, put.body]).toEqual([400, expect.stringContaining('MANIFEST_INVALID')])
    }
    await putManifest(server, 'a', 'strings', {
      annotations: { brackets: '[{'.repeat(100), quotes: '\\"[[' },
    })
  })

  it('must say what it pushes', async () => {
    await using server = await RegistryServer.start()
    const body = await putManifest(server, 'a', 'x')
    for (const type of ['application/json', 'text/html', 'application/vnd.oci.image.index.v1+json']) {
      const put = await call(server, 'PUT', '/v2/a/manifests/x', { body, headers: { 'content-type': type } })
      expect([put.status, put.body]).toEqual([400, expect.stringContaining('MANIFEST_INVALID')])
    }
    const tags = Array.from({ length: 101 }, (_, n) => `tag=t${n}`).join('&')
    const put = await call(server, 'PUT', `/v2/a/manifests/${digestOf(body)}?${tags}`, { body })
    expect(put.status).toBe(414)
    expect((await call(server, 'PUT', `/v2/a/manifests/${digestOf(body)}?tag=..`, { body })).status).toBe(400)
  })
})
