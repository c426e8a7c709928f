import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { startHttp } from '../../test/support/http-server.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { checkNextAddress } from '../http/plain-http.js'
import { RegistryClient, type RegistryClientOptions } from './registry-client.js'

const content = Buffer.alloc(3 * 1024 ** 2, 'some layer ')
const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf(content), size: content.length }
const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 }
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config,
  layers: [layer],
})

function newClient(options: RegistryClientOptions = {}): RegistryClient {
  return new RegistryClient({
    credentials: 'anonymous',
    idleTimeoutMs: 300,
    retries: 2,
    retryDelayMs: 1,
    ...options,
  })
}

async function resolveFrom(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  reference = 'a:1',
): Promise<unknown> {
  await using server = await startHttp(handle)
  await using client = newClient()
  return await client.resolve(`${server.address}/${reference}`)
}

describe('RegistryClient with a hostile registry', () => {
  it('refuses a web page, rubbish, another type, and a manifest that never ends', async () => {
    await expect(
      resolveFrom((_, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<p>log in</p>'),
      ),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_PROTOCOL' })
    await expect(resolveFrom((_, response) => response.end('rubbish'))).rejects.toMatchObject({
      code: 'ERR_REGISTRY_BAD_MANIFEST',
    })
    await expect(
      resolveFrom((_, response) =>
        response.writeHead(200, { 'content-type': mediaTypes.ociIndex }).end(manifest),
      ),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_BAD_MANIFEST' })
    const endless = resolveFrom((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65536))) continue
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    await expect(endless).rejects.toMatchObject({ code: 'ERR_REGISTRY_TOO_LARGE' })
  })

  it('refuses a manifest without the digest that was asked for or promised', async () => {
    await expect(
      resolveFrom((_, response) => response.end(manifest), `a@${digestOf('other')}`),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })
    const promised = resolveFrom((_, response) =>
      response.writeHead(200, { 'docker-content-digest': digestOf('other') }).end(manifest),
    )
    await expect(promised).rejects.toMatchObject({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })
  })

  it('refuses indexes that lead to each other, and redirects in a circle', async () => {
    const indexes: Record<string, string> = {}
    let next = manifest
    for (let depth = 0; depth < 8; depth++) {
      indexes[digestOf(next)] = next
      const entry = {
        mediaType: mediaTypes.ociIndex,
        digest: digestOf(next),
        size: next.length,
        platform: { os: 'linux', architecture: 'amd64' },
      }
      next = JSON.stringify({
        schemaVersion: 2,
        manifests: [depth === 0 ? { ...entry, mediaType: mediaTypes.ociManifest } : entry],
      })
    }
    await using client = newClient()
    await using server = await startHttp((request, response) =>
      response.end(indexes[request.url!.split('/').at(-1)!] ?? next),
    )
    await expect(client.resolve(`${server.address}/a`, { platform: 'linux/amd64' })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_BAD_MANIFEST',
    })
    const circle = resolveFrom((request, response) =>
      response.writeHead(307, { location: request.url }).end(),
    )
    await expect(circle).rejects.toMatchObject({ code: 'ERR_REGISTRY_PROTOCOL' })
  })

  it('never goes from HTTPS to HTTP, nor to HTTP on another machine', () => {
    const check = (from: string, to: string) => () =>
      checkNextAddress('test', new URL(from), new URL(to), undefined)
    expect(check('https://h.io', 'http://127.0.0.1')).toThrow('plain HTTP is not allowed')
    expect(check('http://127.0.0.1', 'http://h.io')).toThrow('plain HTTP is not allowed')
    expect(check('http://127.0.0.1', 'file:///etc/passwd')).toThrow('neither http nor https')
    expect(check('http://127.0.0.1', 'https://h.io')).not.toThrow()
    expect(check('http://127.0.0.1', 'http://localhost:1')).not.toThrow()
    expect(check('http://127.0.0.1', 'http://127.0.0.1.evil.io')).toThrow('plain HTTP is not allowed')
  })

  it('says what the registry says, without its control characters', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'no\u001b[31m way' }] })
    const denied = resolveFrom((_, response) => response.writeHead(403).end(body))
    await expect(denied).rejects.toMatchObject({
      code: 'ERR_REGISTRY_DENIED',
      status: 403,
      errors: [{ code: 'DENIED', message: 'no [31m way' }],
    })
  })

  it('says that nobody listens, and does not try again', async () => {
    await using client = newClient({ retries: 20, retryDelayMs: 1000 })
    await expect(client.resolve('127.0.0.1:1/a')).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
      cause: { code: 'ECONNREFUSED' },
    })
  })

  it('refuses lists of tags without an end', async () => {
    let page = 0
    await using server = await startHttp((_, response) =>
      response
        .setHeader('link', `</v2/a/tags/list?page=${++page}>; rel="next"`)
        .end(JSON.stringify({ tags: ['same'] })),
    )
    await using client = newClient()
    const walk = async (): Promise<void> => {
      for await (const _ of client.tags(`${server.address}/a`)) continue
    }
    await expect(walk()).rejects.toMatchObject({ code: 'ERR_REGISTRY_TOO_LARGE' })
    expect(page).toBe(2_500)
  }, 60_000)

  it('refuses lists of tags that lead in a circle', async () => {
    await using server = await startHttp((request, response) =>
      response.writeHead(200, { link: `<${request.url!}>; rel="next"` }).end('{"tags":["a"]}'),
    )
    await using client = newClient()
    const seen: string[] = []
    const walk = async (): Promise<void> => {
      for await (const tag of client.tags(`${server.address}/a`)) seen.push(tag)
    }
    await expect(walk()).rejects.toMatchObject({ code: 'ERR_REGISTRY_PROTOCOL' })
    expect(seen).toEqual(['a'])
  })
})
