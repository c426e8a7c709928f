import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { startHttp } from '../../test/support/http-server.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { RegistryServer } from '../server/registry-server.js'
import { RegistryClient } from './registry-client.js'

const sbom = 'application/spdx+json'

function newClient(): RegistryClient {
  return new RegistryClient({ credentials: 'anonymous', retries: 0 })
}

async function all(source: AsyncIterable<Descriptor>): Promise<Descriptor[]> {
  const found: Descriptor[] = []
  for await (const item of source) found.push(item)
  return found
}

/** An index of referrers, as a registry answers it. */
function page(...types: readonly string[]): string {
  const manifests = types.map((artifactType) => ({
    mediaType: mediaTypes.ociManifest,
    digest: digestOf(artifactType),
    size: 2,
    artifactType,
  }))
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
}

describe('artifacts and referrers', () => {
  it('are pushed about a subject, listed by type, and fetched', async () => {
    await using server = await RegistryServer.start()
    await using client = newClient()
    const name = `${server.address}/team/app`
    const bytes = Buffer.from('{"list":"of parts"}')
    const subject = await client.pushArtifact(`${name}:1`, {
      artifactType: 'application/vnd.test.thing',
      blobs: [{ mediaType: 'text/plain', bytes: Buffer.from('thing') }],
    })
    expect(await all(client.referrers(`${name}:1`))).toEqual([])
    const added = await client.pushArtifact(name, {
      artifactType: sbom,
      blobs: [{ mediaType: sbom, bytes, annotations: { 'org.opencontainers.image.title': 'sbom.json' } }],
      subject,
      annotations: { made: 'here' },
    })
    await client.pushArtifact(name, { artifactType: 'application/x', blobs: [], subject })
    await client.pushArtifact(name, { artifactType: 'application/x', blobs: [], subject }) // once more
    expect(await all(client.referrers(`${name}:1`))).toHaveLength(2)
    const found = await all(client.referrers(`${name}@${subject.digest}`, { artifactType: sbom }))
    expect(found).toEqual([{ ...added, artifactType: sbom, annotations: { made: 'here' } }])
    const { document } = await client.manifest(`${name}@${found[0]!.digest}`)
    expect(document.subject).toEqual(subject)
    if (!('layers' in document)) throw new Error('no manifest')
    const read: Buffer[] = []
    for await (const chunk of await client.blob(name, document.layers[0]!)) read.push(chunk as Buffer)
    expect(Buffer.concat(read)).toEqual(bytes)
  })

  it('are read page by page, and filtered where the registry does not', async () => {
    await using server = await startHttp((request, response) => {
      if (request.url?.includes('last') === true) return response.end(page(sbom, 'application/c'))
      return response
        .setHeader('link', `<${request.url ?? ''}&last=1>; rel="next"`)
        .end(page('application/a', sbom))
    })
    await using client = newClient()
    const name = `${server.address}/a@${digestOf('x')}`
    expect(await all(client.referrers(name, { artifactType: sbom }))).toHaveLength(2)
    expect(server.requests[0]!.line).toContain('artifactType=application%2Fspdx%2Bjson')
  })

  it('come from the tag where there is no list', async () => {
    await using server = await startHttp((request, response) =>
      request.url?.includes('/manifests/sha256-') === true
        ? response.writeHead(200, { 'content-type': mediaTypes.ociIndex }).end(page(sbom))
        : response.writeHead(404).end(),
    )
    await using client = newClient()
    expect(await all(client.referrers(`${server.address}/a@${digestOf('x')}`))).toHaveLength(1)
  })

  it.each([
    ['rubbish', 'ERR_REGISTRY_BAD_MANIFEST'],
    [JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }), 'ERR_REGISTRY_BAD_MANIFEST'],
    [page(sbom), 'ERR_REGISTRY_PROTOCOL'], // with a link to itself
  ])('refuse %s', async (body, code) => {
    await using server = await startHttp((request, response) =>
      response.setHeader('link', `<${request.url ?? ''}>; rel=next`).end(body),
    )
    await using client = newClient()
    await expect(all(client.referrers(`${server.address}/a@${digestOf('x')}`))).rejects.toMatchObject({
      code,
    })
  })
})

describe('sha512', () => {
  it('names blobs and manifests as well', async () => {
    await using server = await RegistryServer.start()
    await using client = newClient()
    const name = `${server.address}/a`
    const bytes = Buffer.from('content')
    const descriptor = { mediaType: 'text/plain', digest: digestOf(bytes, 'sha512'), size: bytes.length }
    await client.pushBlob(name, descriptor, () => Readable.from([bytes]))
    const manifest = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: descriptor, layers: [] }),
    )
    const digest = digestOf(manifest, 'sha512')
    expect(await client.pushManifest(`${name}@${digest}`, manifest)).toMatchObject({ digest })
    expect((await client.manifest(`${name}@${digest}`)).bytes).toEqual(manifest)
    expect(await client.hasBlob(name, descriptor.digest)).toBe(true)
    const read: Buffer[] = []
    for await (const chunk of await client.blob(name, descriptor)) read.push(chunk as Buffer)
    expect(Buffer.concat(read)).toEqual(bytes)
  })
})
