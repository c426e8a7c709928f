import { request as httpRequest } from 'node:http'
import { expect } from '@jest/globals'
import { digestOf } from '../../src/manifest/digest.js'
import { mediaTypes } from '../../src/manifest/media-types.js'
import type { RegistryServer } from '../../src/server/registry-server.js'

/** One request by hand; `fetch` would normalize what these tests are about. */
export async function call(
  server: Pick<RegistryServer, 'address'>,
  method: string,
  path: string,
  { body, headers = {} }: { body?: string | Uint8Array; headers?: Record<string, string> } = {},
) {
  return await new Promise<{ status: number; headers: Record<string, string>; body: string }>(
    (resolve, reject) => {
      const [host, port] = server.address.split(':')
      const outgoing = httpRequest({ host, port, method, path, headers, agent: false }, (incoming) => {
        let text = ''
        incoming.on('error', reject)
        incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode!,
            headers: incoming.headers as Record<string, string>,
            body: text,
          }),
        )
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    },
  )
}

/** Pushes a blob in one request. */
export async function upload(server: RegistryServer, name: string, bytes: Uint8Array): Promise<void> {
  const done = await call(server, 'POST', `/v2/${name}/blobs/uploads/?digest=${digestOf(bytes)}`, {
    body: bytes,
  })
  expect(done.status).toBe(201)
}

/** Begins an upload to the repository `a`, and gives its location. */
export async function begin(server: RegistryServer): Promise<string> {
  const begun = await call(server, 'POST', '/v2/a/blobs/uploads/')
  expect(begun.status).toBe(202)
  return begun.headers['location']!
}

/** Pushes a manifest with an empty config, and gives its bytes. */
export async function putManifest(
  server: RegistryServer,
  name: string,
  reference: string,
  members: object = {},
): Promise<string> {
  await upload(server, name, Buffer.from('{}'))
  const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 }
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config,
    layers: [],
    ...members,
  })
  const put = await call(server, 'PUT', `/v2/${name}/manifests/${reference}`, {
    body,
    headers: { 'content-type': mediaTypes.ociManifest },
  })
  expect([put.status, put.headers['docker-content-digest']]).toEqual([201, digestOf(body)])
  return body
}
