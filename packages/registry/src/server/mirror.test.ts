import { readdirSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { call, putManifest, upload } from '../../test/support/by-hand.js'
import { startHttp, type ScriptedServer } from '../../test/support/http-server.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { RegistryServer } from './registry-server.js'

const layer = Buffer.alloc(3 * 1024 ** 2, 'layer')
const digest = digestOf(layer)
const layers = [{ mediaType: mediaTypes.ociLayer, digest, size: layer.length }]
const client = { retries: 0 }

/** What stands before the other registry, to count and to hold up what goes through. */
async function gateTo(
  upstream: RegistryServer,
): Promise<ScriptedServer & { open: Promise<void>; isBroken: boolean }> {
  const gate = await startHttp((request, response) => {
    void forward(request, response)
  })
  const controls = Object.assign(gate, { open: Promise.resolve(), isBroken: false })
  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(
        upstream.url + request.url!,
        { method: request.method, headers: request.headers },
        resolve,
      ).end()
    })
    response.writeHead(answer.statusCode!, answer.headers)
    for await (const chunk of answer) {
      const bytes = chunk as Buffer
      if (controls.isBroken && request.url!.includes('/blobs/')) bytes.fill('x')
      response.write(bytes)
      if (request.url!.includes('/blobs/')) await controls.open
    }
    response.end()
  }
  return controls
}

const asked = (gate: ScriptedServer, part: string) =>
  gate.requests.filter(({ line }) => line.includes(part)).length

describe('a mirror', () => {
  it('brings an image once, and serves it when the other registry is gone', async () => {
    using folder = temporaryFolder()
    const upstream = await RegistryServer.start()
    await upload(upstream, 'team/app', layer)
    const body = await putManifest(upstream, 'team/app', '1', { layers })
    const gate = await gateTo(upstream)
    const errors: unknown[] = []
    const options = { root: folder.path, onError: (error: unknown) => errors.push(error) }
    const mirrorOf = { registry: gate.address, freshMs: 300, client }
    const first = await RegistryServer.start({ ...options, mirrorOf })
    const path = '/v2/team/app/manifests/1'
    expect(await call(first, 'GET', path)).toMatchObject({ status: 200, body })
    expect(await call(first, 'GET', `/v2/team/app/manifests/${digestOf(body)}`)).toMatchObject({
      status: 200,
      body,
    })
    expect(asked(gate, '/manifests/')).toBe(1)
    expect((await call(first, 'HEAD', `/v2/team/app/blobs/${digest}`)).headers['content-length']).toBe(
      String(layer.length),
    )
    for (let n = 0; n < 2; n++) {
      expect((await call(first, 'GET', `/v2/team/app/blobs/${digest}`)).body).toBe(layer.toString())
    }
    expect(asked(gate, '/blobs/')).toBe(1)
    const listed = await call(first, 'GET', '/v2/team/app/tags/list')
    expect(JSON.parse(listed.body)).toEqual({ name: 'team/app', tags: ['1'] })
    await sleep(320)
    await call(first, 'GET', path)
    expect(asked(gate, '/manifests/')).toBe(2)
    await first.close()
    await gate[Symbol.asyncDispose]()
    await upstream.close()
    await using second = await RegistryServer.start({ ...options, mirrorOf })
    await sleep(320)
    expect(errors).toEqual([])
    expect(await call(second, 'GET', path)).toMatchObject({ status: 200, body })
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_REGISTRY_CONNECTION' })])
    expect((await call(second, 'GET', `/v2/team/app/blobs/${digest}`)).status).toBe(200)
    expect((await call(second, 'GET', '/v2/team/app/manifests/2')).status).toBe(502)
    expect((await call(second, 'GET', '/v2/team/app/tags/list')).body).toContain('"1"')
  })

  it('follows a tag that moves, and one that goes', async () => {
    await using upstream = await RegistryServer.start()
    await putManifest(upstream, 'a', 'x')
    await using server = await RegistryServer.start({
      mirrorOf: { registry: upstream.address, freshMs: 1, client },
    })
    await call(server, 'GET', '/v2/a/manifests/x')
    const moved = await putManifest(upstream, 'a', 'x', { annotations: { second: 'yes' } })
    await sleep(10)
    expect((await call(server, 'GET', '/v2/a/manifests/x')).body).toBe(moved)
    await call(upstream, 'DELETE', '/v2/a/manifests/x')
    await sleep(10)
    expect((await call(server, 'GET', '/v2/a/manifests/x')).status).toBe(404)
    expect((await call(server, 'GET', `/v2/a/manifests/${digestOf(moved)}`)).body).toBe(moved)
    expect((await call(server, 'GET', '/v2/none/manifests/x')).status).toBe(404)
  })

  it('brings what refers to a manifest, and says so where it cannot ask', async () => {
    using folder = temporaryFolder()
    await using upstream = await RegistryServer.start()
    await upload(upstream, 'team/app', layer)
    const subject = await putManifest(upstream, 'team/app', '1', { layers })
    const named = { digest: digestOf(subject), size: subject.length, mediaType: mediaTypes.ociManifest }
    const refer = async (artifactType: string): Promise<string> => {
      const body = { artifactType, layers, subject: named }
      return digestOf(await putManifest(upstream, 'team/app', artifactType, body))
    }
    const signature = await refer('signature')
    const gate = await gateTo(upstream)
    const errors: unknown[] = []
    const mirrorOf = { registry: gate.address, freshMs: 0, client }
    const onError = (error: unknown) => errors.push(error)
    await using mirror = await RegistryServer.start({ root: folder.path, mirrorOf, onError })
    const listed = async (query = ''): Promise<readonly string[]> => {
      const { body } = await call(mirror, 'GET', `/v2/team/app/referrers/${named.digest}${query}`)
      const { manifests } = JSON.parse(body) as { manifests: { digest: string }[] }
      return manifests.map((entry) => entry.digest)
    }
    expect(await listed()).toEqual([signature])
    const report = await refer('report')
    expect(new Set(await listed())).toEqual(new Set([signature, report]))
    expect(await listed('?artifactType=report')).toEqual([report])
    expect(asked(gate, `/manifests/${signature}`)).toBe(1) // once, and kept
    expect(await call(mirror, 'GET', `/v2/team/app/manifests/${report}`)).toMatchObject({ status: 200 })
    expect((await call(mirror, 'GET', `/v2/team/app/blobs/${digest}`)).body).toBe(layer.toString())
    await gate[Symbol.asyncDispose]()
    expect(new Set(await listed())).toEqual(new Set([signature, report]))
    expect(errors).not.toEqual([])
    const other = `/v2/team/app/referrers/${digestOf('other')}`
    expect(await call(mirror, 'GET', other)).toMatchObject({ status: 502 })
  })

  it('streams a blob to all who want it from one download, ranges too', async () => {
    using folder = temporaryFolder()
    await using upstream = await RegistryServer.start()
    await upload(upstream, 'a', layer)
    await putManifest(upstream, 'a', '1', { layers })
    await using gate = await gateTo(upstream)
    let openGate: () => void = () => undefined
    gate.open = new Promise((resolve) => (openGate = resolve))
    const mirrorOf = { registry: gate.address, client }
    await using server = await RegistryServer.start({ root: folder.path, mirrorOf })
    await Promise.all([1, 2, 3].map(() => call(server, 'GET', '/v2/a/manifests/1')))
    expect(asked(gate, '/manifests/')).toBe(1)
    const path = `/v2/a/blobs/${digest}`
    const [host, port] = server.address.split(':')
    // the first bytes arrive while most of the blob has not left the other registry
    const early = await new Promise<IncomingMessage>((resolve) => {
      httpRequest({ host, port, path, agent: false }, resolve).end()
    })
    await new Promise((resolve) => early.once('data', resolve))
    const others = [
      ...[1, 2, 3].map(() => call(server, 'GET', path)),
      call(server, 'GET', path, { headers: { range: `bytes=-5` } }),
    ]
    early.destroy() // who leaves takes nothing from those who stay
    openGate()
    const answers = await Promise.all(others)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 206])
    expect(answers[3]!.body).toBe(layer.subarray(-5).toString())
    for (const { body } of answers.slice(0, 3)) expect(body).toBe(layer.toString())
    expect(asked(gate, '/blobs/')).toBe(1)
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })

  it('passes on nothing whole that is not what was asked for', async () => {
    using folder = temporaryFolder()
    await using upstream = await RegistryServer.start()
    await upload(upstream, 'a', layer)
    await putManifest(upstream, 'a', '1', { layers })
    await using gate = await gateTo(upstream)
    const errors: unknown[] = []
    await using server = await RegistryServer.start({
      root: folder.path,
      mirrorOf: { registry: gate.address, client },
      onError: (error) => errors.push(error),
    })
    await call(server, 'GET', '/v2/a/manifests/1')
    gate.isBroken = true
    await expect(call(server, 'GET', `/v2/a/blobs/${digest}`)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(errors).toContainEqual(expect.objectContaining({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' }))
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
    gate.isBroken = false
    expect((await call(server, 'GET', `/v2/a/blobs/${digest}`)).body).toBe(layer.toString())
  })

  it('gives a download up when it is closed', async () => {
    await using upstream = await RegistryServer.start()
    await upload(upstream, 'a', layer)
    await putManifest(upstream, 'a', '1', { layers })
    await using gate = await gateTo(upstream)
    gate.open = new Promise(() => undefined)
    const server = await RegistryServer.start({ mirrorOf: { registry: gate.address, client } })
    await call(server, 'GET', '/v2/a/manifests/1')
    const cut = expect(call(server, 'GET', `/v2/a/blobs/${digest}`)).rejects.toMatchObject({
      code: 'ECONNRESET',
    })
    while (asked(gate, '/blobs/') === 0) await sleep(5)
    await server.close({ graceMs: 50 })
    await cut
  })

  it('asks for no blob that no manifest named, and takes no push', async () => {
    await using upstream = await RegistryServer.start()
    await upload(upstream, 'a', layer)
    await using gate = await gateTo(upstream)
    await using server = await RegistryServer.start({ mirrorOf: { registry: gate.address, client } })
    expect((await call(server, 'GET', `/v2/a/blobs/${digest}`)).status).toBe(404)
    expect((await call(server, 'POST', '/v2/a/blobs/uploads/')).status).toBe(405)
    expect(gate.requests).toEqual([])
  })

  it('keeps to its quota', async () => {
    await using upstream = await RegistryServer.start()
    await upload(upstream, 'a', layer)
    await putManifest(upstream, 'a', '1', { layers })
    const mirrorOf = { registry: upstream.address, client }
    await using server = await RegistryServer.start({ mirrorOf, quotas: { totalBytes: 1_000_000 } })
    expect((await call(server, 'GET', '/v2/a/manifests/1')).status).toBe(200)
    expect((await call(server, 'GET', `/v2/a/blobs/${digest}`)).status).toBe(403)
  })
})
