import { Readable } from 'node:stream'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { startHttp, type ScriptedServer } from '../../test/support/http-server.js'
import { BlobStore } from '../blobs/blob-store.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { RegistryClient } from './registry-client.js'

const content = Buffer.from('some layer')
const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf(content), size: content.length }
const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 }
const manifest = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }),
)
const ann = { username: 'ann', password: 'secret' }

/** A registry of one image. */
async function startWhole(): Promise<ScriptedServer> {
  return await startHttp((request, response) =>
    response.end(request.url?.includes('/manifests/') === true ? manifest : content),
  )
}

describe('RegistryClient with mirrors', () => {
  it('reads from the first that has it, and passes over those that fail', async () => {
    await using empty = await startHttp((_, response) => response.writeHead(404).end())
    await using liar = await startHttp((_, response) => response.end('other layer'))
    await using mirror = await startWhole()
    await using registry = await startWhole()
    await using client = new RegistryClient({
      credentials: 'anonymous',
      mirrors: { [registry.address]: ['127.0.0.1:1', empty.address, liar.address, mirror.address] },
      retryDelayMs: 60_000, // whoever waited for a mirror would not come back
    })
    using folder = temporaryFolder()
    const store = await BlobStore.open(join(folder.path, 'store'))
    const { descriptor } = await client.manifest(`${registry.address}/a:1`)
    expect(descriptor.digest).toBe(digestOf(manifest))
    await client.fetchBlob(`${registry.address}/a`, layer, store)
    expect(await store.has(layer)).toBe(true)
    expect(registry.requests).toEqual([])
    expect(empty.requests.map(({ line }) => line)).toEqual([
      'GET /v2/a/manifests/1',
      `GET /v2/a/blobs/${layer.digest}`,
    ])
  })

  it('comes to the registry itself in the end, and writes to it alone', async () => {
    await using mirror = await startHttp((_, response) => response.writeHead(500).end())
    await using registry = await startHttp((request, response) => {
      if (request.method === 'POST') return response.writeHead(202, { location: '/upload' }).end()
      if (request.method === 'PUT') return request.resume().on('end', () => response.writeHead(201).end())
      return request.method === 'HEAD' ? response.writeHead(404).end() : response.end(manifest)
    })
    await using client = new RegistryClient({
      credentials: 'anonymous',
      mirrors: { [registry.address]: [mirror.address] },
    })
    await client.manifest(`${registry.address}/a:1`)
    expect(mirror.requests).toHaveLength(1)
    await client.pushBlob(`${registry.address}/a`, layer, () => Readable.from([content]))
    expect(mirror.requests).toHaveLength(1)
  })

  it('lists the referrers of the first that has any, and those of the registry where no mirror has', async () => {
    const entry = { ...config, artifactType: 'application/x' }
    const index = (manifests: readonly object[]): string =>
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
    await using empty = await startHttp((_, response) => response.end(index([])))
    await using liar = await startHttp((_, response) => response.end('<html>'))
    await using mirror = await startHttp((_, response) => response.end(index([entry])))
    await using registry = await startHttp((_, response) => response.end(index([layer, entry])))
    const list = async (host: string, ...mirrors: readonly string[]): Promise<string[]> => {
      await using client = new RegistryClient({
        credentials: 'anonymous',
        retries: 0,
        mirrors: { [host]: mirrors },
      })
      const found: string[] = []
      const referrers = client.referrers(`${host}/a@${digestOf(manifest)}`)
      for await (const { digest } of referrers) found.push(digest)
      return found
    }
    expect(await list(registry.address, '127.0.0.1:1', empty.address, liar.address, mirror.address)).toEqual([
      entry.digest,
    ])
    expect(registry.requests).toEqual([])
    expect(await list(registry.address, empty.address, liar.address)).toEqual([layer.digest, entry.digest])
    expect(await list(registry.address)).toEqual([layer.digest, entry.digest])
    await expect(list('127.0.0.1:1', empty.address)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
    })
  })

  it('asks a mirror that stalled not again soon', async () => {
    await using mirror = await startHttp(() => undefined)
    await using registry = await startWhole()
    await using client = new RegistryClient({
      credentials: 'anonymous',
      idleTimeoutMs: 100,
      mirrors: { [registry.address]: [mirror.address] },
    })
    for (let n = 0; n < 3; n++) await client.manifest(`${registry.address}/a:${n}`)
    expect(mirror.requests).toHaveLength(1)
  })

  it('sends a mirror no credentials that are not its own', async () => {
    await using mirror = await startHttp((request, response) =>
      request.headers.authorization === undefined
        ? response.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end()
        : response.end(manifest),
    )
    await using registry = await startHttp((request, response) =>
      request.headers.authorization === undefined
        ? response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
        : response.end(manifest),
    )
    const mirrors = { [registry.address]: [mirror.address] }
    await using given = new RegistryClient({ credentials: ann, mirrors })
    await given.manifest(`${registry.address}/a`)
    expect(mirror.requests.map(({ authorization }) => authorization)).toEqual([undefined])
    expect(registry.requests.at(-1)!.authorization).toMatch(/^Basic /)
    await using byName = new RegistryClient({
      credentials: (name) =>
        Promise.resolve(name === mirror.address ? { username: 'bob', password: 'b' } : undefined),
      mirrors,
    })
    await byName.manifest(`${registry.address}/a`)
    expect(mirror.requests.at(-1)!.authorization).toBe(`Basic ${Buffer.from('bob:b').toString('base64')}`)
  })
})
