import { readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { begin, call, upload } from '../../test/support/by-hand.js'
import { digestOf } from '../manifest/digest.js'
import { RegistryServer } from './registry-server.js'
import { maxUploads } from './uploads.js'

const content = Buffer.from('0123456789'.repeat(1000))
const digest = digestOf(content)

describe('uploads', () => {
  it('go on after the server was started again', async () => {
    using folder = temporaryFolder()
    const first = await RegistryServer.start({ root: folder.path })
    const location = await begin(first)
    const untouched = await begin(first)
    expect((await call(first, 'PATCH', location, { body: content.subarray(0, 4000) })).status).toBe(202)
    await first.close()
    await using second = await RegistryServer.start({ root: folder.path })
    expect(await call(second, 'GET', location)).toMatchObject({ status: 204, headers: { range: '0-3999' } })
    const done = await call(second, 'PUT', `${location}?digest=${digest}`, { body: content.subarray(4000) })
    expect(done.status).toBe(201)
    expect((await call(second, 'GET', `/v2/a/blobs/${digest}`)).body).toBe(content.toString())
    expect((await call(second, 'PUT', `${untouched}?digest=${digestOf('x')}`, { body: 'x' })).status).toBe(
      201,
    )
    expect(readdirSync(join(folder.path, 'uploads'))).toEqual([])
  })

  it('of which a killed server left halves are cleared away', async () => {
    using folder = temporaryFolder()
    await (await RegistryServer.start({ root: folder.path })).close()
    const uploads = join(folder.path, 'uploads')
    writeFileSync(join(uploads, 'a'), 'without a note')
    writeFileSync(join(uploads, 'b.json'), '{"repository":"..","algorithm":"sha256"}')
    writeFileSync(join(uploads, 'c.json'), '{"reposi')
    await using server = await RegistryServer.start({ root: folder.path })
    expect(readdirSync(uploads)).toEqual([])
    for (const id of ['a', 'b', 'c', '..', '%2e%2e']) {
      expect((await call(server, 'GET', `/v2/a/blobs/uploads/${id}`)).status).toBe(404)
    }
  })

  it('are hashed by the algorithm they were begun with, or by that of the end', async () => {
    await using server = await RegistryServer.start()
    const long = digestOf(content, 'sha512')
    const begun = await call(server, 'POST', '/v2/a/blobs/uploads/?digest-algorithm=sha512')
    const location = begun.headers['location']!
    expect((await call(server, 'PATCH', location, { body: content })).status).toBe(202)
    expect((await call(server, 'PUT', `${location}?digest=${long}`)).status).toBe(201)
    const other = await begin(server)
    expect((await call(server, 'PATCH', other, { body: content })).status).toBe(202)
    expect((await call(server, 'PUT', `${other}?digest=${long}`)).status).toBe(201)
    expect((await call(server, 'POST', '/v2/a/blobs/uploads/?digest-algorithm=md5')).status).toBe(400)
    expect((await call(server, 'PUT', `${await begin(server)}?digest=md5:${'0'.repeat(32)}`)).status).toBe(
      400,
    )
  })

  it('refuse a body that is longer or shorter than its range', async () => {
    await using server = await RegistryServer.start()
    const location = await begin(server)
    const chunked = async (range: string) =>
      await new Promise<number>((resolve, reject) => {
        const [host, port] = server.address.split(':')
        const headers = { 'content-range': range, 'transfer-encoding': 'chunked' }
        const outgoing = request({ host, port, method: 'PATCH', path: location, headers }, (incoming) => {
          incoming.resume()
          resolve(incoming.statusCode!)
        })
        outgoing.on('error', reject)
        outgoing.end(content)
      })
    expect(await chunked('0-99')).toBe(400)
    expect((await call(server, 'GET', location)).headers['range']).toBe('0-0')
    expect(await chunked('0-19999')).toBe(400)
    expect((await call(server, 'GET', location)).headers['range']).toBe('0-9999')
    for (const range of ['x', '5-1', '0-99999', '-1-5', `0-${'9'.repeat(20)}`]) {
      const body = 'y'
      const bad = await call(server, 'PATCH', location, { body, headers: { 'content-range': range } })
      expect(bad.status).toBe(416)
    }
    expect((await call(server, 'PUT', `${location}?digest=${digest}`)).status).toBe(201)
  })

  it('take one writer at a time', async () => {
    await using server = await RegistryServer.start()
    const location = await begin(server)
    const [host, port] = server.address.split(':')
    const slow = request({
      host,
      port,
      method: 'PATCH',
      path: location,
      headers: { 'content-length': '10000' },
    })
    slow.on('error', () => undefined)
    slow.write(content.subarray(0, 10))
    while ((await call(server, 'GET', location)).headers['range'] !== '0-9') await sleep(5)
    expect((await call(server, 'PATCH', location, { body: 'x' })).status).toBe(409)
    expect((await call(server, 'DELETE', location)).status).toBe(409)
    slow.destroy()
    while ((await call(server, 'DELETE', location)).status !== 204) await sleep(5)
  })

  it('are bounded in number', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ root: folder.path })
    for (let n = 0; n < maxUploads; n += 64)
      await Promise.all(Array.from({ length: 64 }, () => begin(server)))
    expect(await call(server, 'POST', '/v2/a/blobs/uploads/')).toMatchObject({
      status: 429,
      body: expect.stringContaining('TOOMANYREQUESTS'),
      headers: { 'retry-after': '30' },
    })
    expect(readdirSync(join(folder.path, 'uploads'))).toHaveLength(maxUploads)
  })

  it('mount what another repository has, or any', async () => {
    await using server = await RegistryServer.start()
    await upload(server, 'a', content)
    expect(await call(server, 'POST', `/v2/c/blobs/uploads/?mount=${digest}`)).toMatchObject({
      status: 201,
      headers: { location: `/v2/c/blobs/${digest}`, 'docker-content-digest': digest },
    })
    expect((await call(server, 'HEAD', `/v2/c/blobs/${digest}`)).status).toBe(200)
    for (const query of [`mount=${digestOf('none')}`, `mount=x&from=a`, `mount=${digest}&from=..`]) {
      expect((await call(server, 'POST', `/v2/b/blobs/uploads/?${query}`)).status).toBe(202)
    }
    expect((await call(server, 'HEAD', `/v2/b/blobs/${digest}`)).status).toBe(404)
  })
})
