import { existsSync, readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { RegistryClient } from '../client/registry-client.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { begin, call, putManifest, upload } from '../../test/support/by-hand.js'
import { RegistryServer } from './registry-server.js'

const content = Buffer.from('0123456789'.repeat(1000))
const digest = digestOf(content)

describe('RegistryServer', () => {
  it('answers the ping, and 404 or 405 elsewhere', async () => {
    await using server = await RegistryServer.start()
    expect(await call(server, 'GET', '/v2/')).toMatchObject({
      status: 200,
      body: '{}',
      headers: { 'docker-distribution-api-version': 'registry/2.0' },
    })
    for (const path of ['/', '/v1/', '/v2/a', '/v2/a/manifests', '//', '/v2/a/tags/other'])
      expect((await call(server, 'GET', path)).status).toBe(404)
    expect((await call(server, 'PATCH', '/v2/')).status).toBe(405)
    expect((await call(server, 'POST', '/v2/a/manifests/b')).status).toBe(405)
  })

  it('takes a blob in chunks, and refuses one out of order', async () => {
    await using server = await RegistryServer.start()
    const location = await begin(server)
    const chunk = async (start: number, end: number) =>
      await call(server, 'PATCH', location, {
        body: content.subarray(start, end),
        headers: { 'content-range': `${start}-${end - 1}` },
      })
    expect(await chunk(0, 4000)).toMatchObject({ status: 202, headers: { range: '0-3999' } })
    expect(await chunk(5000, 6000)).toMatchObject({ status: 416, headers: { range: '0-3999' } })
    expect(
      await call(server, 'PATCH', location, { body: 'x', headers: { 'content-range': '4000-9000' } }),
    ).toMatchObject({ status: 416 })
    expect(await call(server, 'GET', location)).toMatchObject({ status: 204, headers: { range: '0-3999' } })
    expect((await chunk(4000, 9000)).status).toBe(202)
    const done = await call(server, 'PUT', `${location}?digest=${digest}`, { body: content.subarray(9000) })
    expect(done).toMatchObject({
      status: 201,
      headers: { 'docker-content-digest': digest, location: `/v2/a/blobs/${digest}` },
    })
    expect((await call(server, 'GET', `/v2/a/blobs/${digest}`)).body).toBe(content.toString())
    expect((await call(server, 'GET', location)).status).toBe(404)
  })

  it('takes sha512, and refuses content with another digest', async () => {
    await using server = await RegistryServer.start()
    const long = digestOf(content, 'sha512')
    expect(
      (await call(server, 'PUT', `${await begin(server)}?digest=${long}`, { body: content })).status,
    ).toBe(201)
    expect((await call(server, 'HEAD', `/v2/a/blobs/${long}`)).headers['content-length']).toBe('10000')
    const wrong = await call(server, 'PUT', `${await begin(server)}?digest=${digest}`, { body: 'other' })
    expect([wrong.status, wrong.body]).toEqual([400, expect.stringContaining('DIGEST_INVALID')])
    expect((await call(server, 'HEAD', `/v2/a/blobs/${digest}`)).status).toBe(404)
  })

  it('answers one range of bytes', async () => {
    await using server = await RegistryServer.start()
    await upload(server, 'a', content)
    const get = async (range: string) =>
      await call(server, 'GET', `/v2/a/blobs/${digest}`, { headers: { range } })
    expect(await get('bytes=9995-')).toMatchObject({
      status: 206,
      body: '56789',
      headers: { 'content-range': 'bytes 9995-9999/10000' },
    })
    expect(await get('bytes=0-2')).toMatchObject({ status: 206, body: '012' })
    expect(await get('bytes=-3')).toMatchObject({ status: 206, body: '789' })
    expect(await get('bytes=9999-99999')).toMatchObject({ status: 206, body: '9' })
    expect(await get('bytes=10000-')).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */10000' },
    })
    expect((await get('bytes=0-1,3-4')).status).toBe(200)
    await upload(server, 'a', Buffer.alloc(0))
    expect(await call(server, 'GET', `/v2/a/blobs/${digestOf('')}`)).toMatchObject({ status: 200, body: '' })
  })

  it('shows a blob only where it was pushed or mounted', async () => {
    await using server = await RegistryServer.start()
    await upload(server, 'a', content)
    expect((await call(server, 'HEAD', `/v2/b/blobs/${digest}`)).status).toBe(404)
    expect((await call(server, 'POST', `/v2/b/blobs/uploads/?mount=${digest}&from=none`)).status).toBe(202)
    expect((await call(server, 'POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(201)
    expect((await call(server, 'HEAD', `/v2/b/blobs/${digest}`)).status).toBe(200)
    expect((await call(server, 'DELETE', `/v2/b/blobs/${digest}`)).status).toBe(202)
    expect((await call(server, 'DELETE', `/v2/b/blobs/${digest}`)).status).toBe(404)
    expect((await call(server, 'HEAD', `/v2/a/blobs/${digest}`)).status).toBe(200)
  })

  it('keeps manifests by tag and digest, lists and deletes them', async () => {
    await using server = await RegistryServer.start()
    const body = await putManifest(server, 'team/app', '1')
    await putManifest(server, 'team/app', '2')
    await putManifest(server, 'app', 'x')
    expect(await call(server, 'GET', '/v2/team/app/manifests/1')).toMatchObject({
      status: 200,
      body,
      headers: { 'content-type': mediaTypes.ociManifest },
    })
    expect(
      (await call(server, 'GET', `/v2/team/app/manifests/${digestOf(body).replace(':', '%3A')}`)).body,
    ).toBe(body)
    expect((await call(server, 'HEAD', '/v2/team/app/manifests/1')).headers['content-length']).toBe(
      String(body.length),
    )
    expect(JSON.parse((await call(server, 'GET', '/v2/team/app/tags/list')).body)).toEqual({
      name: 'team/app',
      tags: ['1', '2'],
    })
    const page = await call(server, 'GET', '/v2/_catalog?n=1')
    expect([page.body, page.headers['link']]).toEqual([
      '{"repositories":["app"]}',
      '</v2/_catalog?n=1&last=app>; rel="next"',
    ])
    await using client = new RegistryClient({ credentials: 'anonymous' })
    const names: string[] = []
    for await (const name of client.catalog(server.address)) names.push(name)
    expect(names).toEqual(['app', 'team/app'])
    await client.deleteManifest(`${server.address}/team/app:1`)
    expect((await call(server, 'GET', '/v2/team/app/manifests/1')).status).toBe(404)
    await client.deleteManifest(`${server.address}/team/app@${digestOf(body)}`)
    expect((await call(server, 'GET', '/v2/team/app/manifests/2')).status).toBe(404)
    expect((await call(server, 'GET', '/v2/nowhere/tags/list')).body).toContain('NAME_UNKNOWN')
  })

  it('refuses manifests that are none, too large, or lack their blobs', async () => {
    await using server = await RegistryServer.start()
    const put = async (body: string | Uint8Array, name = '/v2/a/manifests/x') =>
      await call(server, 'PUT', name, { body })
    expect((await put('{}')).body).toContain('MANIFEST_INVALID')
    const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('gone'), size: 4 }
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [] })
    expect((await put(body)).body).toContain('MANIFEST_BLOB_UNKNOWN')
    expect((await put(body, `/v2/a/manifests/${digestOf('other')}`)).body).toContain('DIGEST_INVALID')
    expect((await put(Buffer.alloc(5 * 1024 ** 2, ' '))).status).toBe(413)
  })

  it('never makes a path of what is no name, tag or digest', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ root: join(folder.path, 'root') })
    const names = [
      '..',
      '%2e%2e',
      'a/%2e%2e/b',
      '..%2f..%2fetc',
      'A',
      '_tags',
      'a/_blobs',
      'a%00b',
      '%ff',
      'a'.repeat(256),
    ]
    for (const name of names) {
      for (const [method, path] of [
        ['POST', `/v2/${name}/blobs/uploads/`],
        ['PUT', `/v2/${name}/manifests/x`],
        ['GET', `/v2/${name}/blobs/${digest}`],
        ['GET', `/v2/${name}/tags/list`],
      ] as const) {
        expect((await call(server, method, path)).status).toBeGreaterThanOrEqual(400)
      }
    }
    for (const last of ['%2e%2e', '..%2fx', '.x', 'x'.repeat(200), 'sha256:..%2f..%2fetc%2fpasswd']) {
      expect(
        (await call(server, 'PUT', `/v2/a/manifests/${last}`, { body: '{}' })).status,
      ).toBeGreaterThanOrEqual(400)
      expect((await call(server, 'GET', `/v2/a/blobs/${last}`)).status).toBeGreaterThanOrEqual(400)
      expect(
        (await call(server, 'PUT', `/v2/a/blobs/uploads/${last}?digest=${digest}`)).status,
      ).toBeGreaterThanOrEqual(400)
    }
    expect(readdirSync(folder.path)).toEqual(['root'])
    expect(readdirSync(join(folder.path, 'root/repositories'))).toEqual([])
    expect(readdirSync(join(folder.path, 'root/partial'))).toEqual([])
    expect(readdirSync(join(folder.path, 'root/uploads'))).toEqual([])
  })

  it('lets only its users in', async () => {
    await using server = await RegistryServer.start({ users: [{ username: 'ann', password: 'a:b' }] })
    const as = (text: string) => ({
      headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
    })
    expect(await call(server, 'GET', '/v2/')).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="registry"' },
    })
    for (const wrong of ['ann:', 'ann:a:c', ':', 'bob:a:b'])
      expect((await call(server, 'GET', '/v2/', as(wrong))).status).toBe(401)
    expect((await call(server, 'GET', '/v2/', as('ann:a:b'))).status).toBe(200)
    await using client = new RegistryClient({ credentials: { username: 'ann', password: 'a:b' } })
    await client.ping(server.address)
    await using stranger = new RegistryClient({ credentials: 'anonymous' })
    await expect(stranger.ping(server.address)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNAUTHORIZED',
      errors: [{ code: 'UNAUTHORIZED' }],
    })
  })

  it('removes uploads that stay idle, and keeps what came before a connection broke', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ root: folder.path, uploadIdleMs: 400 })
    const location = await begin(server)
    const [host, port] = server.address.split(':')
    const outgoing = httpRequest({
      host,
      port,
      method: 'PATCH',
      path: location,
      headers: { 'content-length': '10000' },
    })
    outgoing.on('error', () => undefined)
    outgoing.write(content.subarray(0, 1000))
    await sleep(100)
    outgoing.destroy()
    await sleep(50)
    expect((await call(server, 'GET', location)).headers['range']).toBe('0-999')
    await sleep(900)
    expect((await call(server, 'GET', location)).status).toBe(404)
    expect(readdirSync(join(folder.path, 'uploads'))).toEqual([])
  })

  it('keeps its content over a restart, and a temporary one goes with it', async () => {
    using folder = temporaryFolder()
    const first = await RegistryServer.start({ root: folder.path })
    await putManifest(first, 'a', '1')
    await expect(RegistryServer.start({ root: folder.path })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_STORE',
    })
    await first.close()
    await first.close()
    await using second = await RegistryServer.start({ root: folder.path })
    expect((await call(second, 'GET', '/v2/a/manifests/1')).status).toBe(200)
    expect(existsSync(join(folder.path, 'blobs'))).toBe(true)
    await expect(RegistryServer.start({ port: Number(second.address.split(':')[1]) })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_IO',
    })
  })
})
