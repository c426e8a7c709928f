import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { call, putManifest } from '../../test/support/by-hand.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { RegistryServer } from './registry-server.js'

interface Listed {
  readonly schemaVersion: number
  readonly mediaType: string
  readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[]
}

async function referrers(server: RegistryServer, target: string) {
  const found = await call(server, 'GET', target)
  expect([found.status, found.headers['content-type']]).toEqual([200, mediaTypes.ociIndex])
  return { index: JSON.parse(found.body) as Listed, headers: found.headers }
}

function subjectOf(text: string) {
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(text), size: text.length }
}

describe('referrers', () => {
  it('are listed with type and annotations, filtered, and gone when deleted', async () => {
    await using server = await RegistryServer.start()
    const subject = subjectOf(await putManifest(server, 'a', 'image'))
    const sbom = await putManifest(server, 'a', 'sbom', {
      subject,
      artifactType: 'application/sbom',
      annotations: { made: 'today' },
    })
    const plain = await putManifest(server, 'a', digestOf('').slice(7, 20), { subject })
    const target = `/v2/a/referrers/${subject.digest}`
    const { index } = await referrers(server, target)
    expect(index).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.ociIndex })
    expect(index.manifests).toHaveLength(2)
    expect(index.manifests).toEqual(
      expect.arrayContaining([
        {
          mediaType: mediaTypes.ociManifest,
          digest: digestOf(sbom),
          size: sbom.length,
          artifactType: 'application/sbom',
          annotations: { made: 'today' },
        },
        expect.objectContaining({ digest: digestOf(plain), artifactType: mediaTypes.ociConfig }),
      ]),
    )
    const filtered = await referrers(server, `${target}?artifactType=application/sbom`)
    expect(filtered.headers['oci-filters-applied']).toBe('artifactType')
    expect(filtered.index.manifests.map(({ digest }) => digest)).toEqual([digestOf(sbom)])
    expect((await call(server, 'DELETE', `/v2/a/manifests/${digestOf(sbom)}`)).status).toBe(202)
    const left = await referrers(server, target)
    expect(left.index.manifests.map(({ digest }) => digest)).toEqual([digestOf(plain)])
    expect((await referrers(server, `/v2/b/referrers/${subject.digest}`)).index.manifests).toEqual([])
    expect((await call(server, 'GET', '/v2/a/referrers/sha256:x')).status).toBe(400)
  })

  it('are announced by OCI-Subject, also when the subject is not there yet', async () => {
    await using server = await RegistryServer.start()
    const subject = subjectOf('later')
    await putManifest(server, 'a', 'early', { subject })
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [], subject })
    const put = await call(server, 'PUT', `/v2/a/manifests/${digestOf(body)}?tag=x&tag=y`, {
      body,
      headers: { 'content-type': mediaTypes.ociIndex },
    })
    expect(put).toMatchObject({ status: 201, headers: { 'oci-subject': subject.digest, 'oci-tag': 'x, y' } })
    const { index } = await referrers(server, `/v2/a/referrers/${subject.digest}`)
    const own = index.manifests.find(({ digest }) => digest === digestOf(body))
    expect(own).toEqual({ mediaType: mediaTypes.ociIndex, digest: digestOf(body), size: body.length })
    expect(index.manifests).toHaveLength(2)
  })

  it('are also those of an index under the tag that clients use elsewhere', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ root: folder.path })
    const subject = subjectOf('subject')
    const listed = await putManifest(server, 'a', 'one', { subject })
    const other = await putManifest(server, 'a', 'two', { subject: subjectOf('another') })
    const manifests = [listed, other].map((text) => subjectOf(text))
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
    const tag = subject.digest.replace(':', '-')
    const put = await call(server, 'PUT', `/v2/a/manifests/${tag}`, { body })
    expect(put.status).toBe(201)
    // as a server would have left it that knew no subjects
    rmSync(join(folder.path, 'repositories/a/_referrers'), { recursive: true })
    const { index } = await referrers(server, `/v2/a/referrers/${subject.digest}`)
    expect(index.manifests).toEqual([expect.objectContaining({ digest: digestOf(listed) })])
  })

  it('come in pages that are no larger than a manifest', async () => {
    await using server = await RegistryServer.start()
    const subject = subjectOf('subject')
    for (let n = 0; n < 5; n++) {
      await putManifest(server, 'a', `t${n}`, {
        subject,
        annotations: { n: String(n), fill: 'x'.repeat(1.5e6) },
      })
    }
    const seen: string[] = []
    let target: string | undefined = `/v2/a/referrers/${subject.digest}?artifactType=${mediaTypes.ociConfig}`
    while (target !== undefined) {
      const { index, headers } = await referrers(server, target)
      expect(index.manifests.length).toBeLessThanOrEqual(2)
      seen.push(...index.manifests.map(({ digest }) => digest))
      target = /^<(.*)>; rel="next"$/.exec(headers['link'] ?? '')?.[1]
    }
    expect(new Set(seen).size).toBe(5)
    expect(seen).toHaveLength(5)
  })
})
