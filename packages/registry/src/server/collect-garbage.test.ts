import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { begin, call, putManifest, upload } from '../../test/support/by-hand.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { RegistryServer } from './registry-server.js'

const status = async (server: RegistryServer, path: string) => (await call(server, 'GET', path)).status
const blobPath = (root: string, digest: string) => join(root, 'blobs', ...digest.split(':'))

describe('RegistryServer.collectGarbage()', () => {
  it('removes what no manifest names, and keeps all else', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ root: folder.path })
    const layer = Buffer.alloc(1000, 'layer')
    const stray = Buffer.alloc(2000, 'stray')
    await upload(server, 'a', layer)
    await upload(server, 'a', stray)
    await upload(server, 'b', stray)
    const layers = [{ mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length }]
    await putManifest(server, 'a', '1', { layers })
    const gone = await putManifest(server, 'a', '2', { annotations: { second: 'yes' } })
    await call(server, 'DELETE', `/v2/a/manifests/${digestOf(gone)}`)
    expect(await server.collectGarbage()).toEqual({
      manifests: 0,
      references: 0,
      blobs: 1,
      bytes: gone.length,
    })
    expect(await server.collectGarbage({ graceMs: 0 })).toEqual({
      manifests: 0,
      references: 2,
      blobs: 1,
      bytes: stray.length,
    })
    expect(existsSync(blobPath(folder.path, digestOf(stray)))).toBe(false)
    expect(await status(server, `/v2/a/blobs/${digestOf(stray)}`)).toBe(404)
    expect(await status(server, `/v2/a/blobs/${digestOf(layer)}`)).toBe(200)
    expect(await status(server, '/v2/a/manifests/1')).toBe(200)
    expect(await server.collectGarbage({ graceMs: 0 })).toMatchObject({ references: 0, blobs: 0 })
  })

  it('removes untagged manifests when it is told to, but not those that something tagged leads to', async () => {
    await using server = await RegistryServer.start()
    const child = await putManifest(server, 'a', 'x')
    const lone = await putManifest(server, 'a', 'y', { annotations: { lone: 'yes' } })
    const manifests = [{ mediaType: mediaTypes.ociManifest, digest: digestOf(child), size: child.length }]
    const index = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
    expect((await call(server, 'PUT', '/v2/a/manifests/index', { body: index })).status).toBe(201)
    const subject = { mediaType: mediaTypes.ociIndex, digest: digestOf(index), size: index.length }
    const signature = await putManifest(server, 'a', 'z', { subject })
    for (const tag of ['x', 'y', 'z']) await call(server, 'DELETE', `/v2/a/manifests/${tag}`)
    expect(await server.collectGarbage({ graceMs: 0 })).toMatchObject({ manifests: 0, blobs: 0 })
    expect(await server.collectGarbage({ graceMs: 0, untagged: true })).toMatchObject({
      manifests: 1,
      blobs: 1,
    })
    expect(await status(server, `/v2/a/manifests/${digestOf(lone)}`)).toBe(404)
    for (const kept of [child, index, signature]) {
      expect(await status(server, `/v2/a/manifests/${digestOf(kept)}`)).toBe(200)
    }
  })

  it('takes nothing from pushes that go on', async () => {
    await using server = await RegistryServer.start()
    let isOver = false as boolean
    const pushed: string[] = []
    const push = async (client: number): Promise<void> => {
      for (let n = 0; n < 6; n++) {
        const layer = Buffer.from(`layer ${client} ${n}`)
        const digest = digestOf(layer)
        await upload(server, 'a', layer)
        // the same content again by another way: what one collection leaves over is another's
        expect(
          (await call(server, 'POST', `/v2/b${client}/blobs/uploads/?mount=${digest}&from=a`)).status,
        ).toBe(201)
        const layers = [{ mediaType: mediaTypes.ociLayer, digest, size: layer.length }]
        await putManifest(server, 'a', `t${client}-${n}`, { layers })
        pushed.push(digest)
      }
    }
    const pushes = Promise.all([0, 1, 2].map(push)).finally(() => (isOver = true))
    // a client's upload and its manifest are one request after the other: an hour is more than enough
    while (!isOver) await server.collectGarbage({ graceMs: 600_000, untagged: true })
    await pushes
    await server.collectGarbage({ graceMs: 600_000 })
    for (const digest of pushed) expect(await status(server, `/v2/a/blobs/${digest}`)).toBe(200)
  }, 60_000)

  it('keeps what a client asked for, to spare itself the upload', async () => {
    await using server = await RegistryServer.start()
    const layer = Buffer.from('asked for')
    await upload(server, 'a', layer)
    await sleep(50)
    const collected = server.collectGarbage({ graceMs: 20 })
    const asked = await call(server, 'HEAD', `/v2/a/blobs/${digestOf(layer)}`)
    await collected
    // whichever came first: what was promised is there
    expect(await status(server, `/v2/a/blobs/${digestOf(layer)}`)).toBe(asked.status)
  })

  it('leaves a repository alone whose manifests it cannot read', async () => {
    using folder = temporaryFolder()
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    await using server = await RegistryServer.start({ root: folder.path, onError })
    const body = await putManifest(server, 'a', '1')
    writeFileSync(blobPath(folder.path, digestOf(body)), 'x'.repeat(body.length))
    expect(await server.collectGarbage({ graceMs: 0 })).toMatchObject({ references: 0, blobs: 0 })
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })])
  })

  it('runs by itself when it is given a time', async () => {
    await using server = await RegistryServer.start({ garbage: { everyMs: 20, graceMs: 1 } })
    await upload(server, 'a', Buffer.from('stray'))
    const location = await begin(server)
    while ((await status(server, `/v2/a/blobs/${digestOf('stray')}`)) === 200) await sleep(10)
    expect(await status(server, location)).toBe(204)
  })
})
