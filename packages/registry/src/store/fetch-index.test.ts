import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { RegistryClient } from '../client/registry-client.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { hostPlatform } from '../manifest/platform.js'
import { RegistryServer } from '../server/registry-server.js'
import { ImageStore } from './image-store.js'

const quick = { credentials: 'anonymous', retries: 0 } as const
const architectures = ['amd64', 'arm64', 's390x']

/** Pushes an image for three platforms, with a layer that all share. */
async function pushAll(store: ImageStore, name: string): Promise<string> {
  await using client = new RegistryClient(quick)
  const manifests = []
  for (const architecture of architectures) {
    const layers = ['shared', architecture].map((text) => ({ tar: one(text) }))
    const image = await store.add({ config: { architecture }, layers }, { reference: architecture })
    await store.push(`${name}-${architecture}`, { ...quick, image: architecture })
    manifests.push({ ...image.descriptor, platform: { os: 'linux', architecture } })
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, annotations: { all: 'three' } }
  return (await client.pushManifest(name, Buffer.from(JSON.stringify(index)))).digest
}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text))
}

describe('ImageStore with all platforms of an image', () => {
  it('keeps them under one name, reads any of them, and pushes the index as it was', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const name = `${server.address}/multi:1`
    const digest = await pushAll(await ImageStore.open(join(folder.path, 'from')), name)
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await store.pull(name, { ...quick, platforms: 'all' })
    expect(image.index).toMatchObject({ mediaType: mediaTypes.ociIndex, digest })
    expect(image.repositoryDigests).toEqual([`${server.address}/multi@${digest}`])
    expect(image.config.architecture).toBe(
      architectures.includes(hostPlatform().architecture) ? hostPlatform().architecture : 'amd64',
    )
    for (const architecture of architectures) {
      const { config, layers } = await store.get(name, { platform: `linux/${architecture}` })
      expect(config.architecture).toBe(architecture)
      for (const { descriptor } of layers) expect(await store.blobs.has(descriptor)).toBe(true)
    }
    await expect(store.get(name, { platform: 'linux/arm/v7' })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_NO_PLATFORM',
    })
    expect(await store.list()).toHaveLength(1)

    const copy = `${server.address}/copy:1`
    expect(await store.push(copy, { ...quick, image: name })).toMatchObject({ digest })
    expect(await store.push(`${copy}-arm`, { ...quick, image: name, platform: 'linux/arm64' })).toMatchObject(
      {
        digest: (await store.get(name, { platform: 'linux/arm64' })).descriptor.digest,
      },
    )
    await using client = new RegistryClient(quick)
    for (const architecture of architectures)
      expect(
        (await client.resolve(copy, { platform: `linux/${architecture}` })).manifest.layers,
      ).toHaveLength(2)

    const { deleted } = await store.remove(name)
    expect(deleted).toHaveLength(1 + 3 + 3 + 4) // index, manifests, configs, layers of which one is shared
  })

  it('is what it was for a name that is one manifest', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const name = `${server.address}/single:1`
    const from = await ImageStore.open(join(folder.path, 'from'))
    const added = await from.add({ layers: [{ tar: one('a') }] }, { reference: name })
    await from.push(name, quick)
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await store.pull(name, { ...quick, platforms: 'all' })
    expect(image.descriptor).toEqual(added.descriptor)
    expect(image.index).toBeUndefined()
    await expect(
      store.pull(name, { ...quick, platforms: 'all', platform: 'linux/arm64' }),
    ).rejects.toMatchObject({
      code: 'ERR_REGISTRY_INVALID_ARG',
    })
  })

  it('refuses an index whose manifests are not what it says, and names nothing', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const name = `${server.address}/multi:1`
    await pushAll(await ImageStore.open(join(folder.path, 'from')), name)
    await using client = new RegistryClient(quick)
    const { document } = await client.manifest(name)
    if (!('manifests' in document)) throw new Error('no index')
    const manifests = document.manifests.map((entry, n) =>
      n === 1 ? { ...entry, size: entry.size + 1 } : entry,
    )
    const lie = Buffer.from(JSON.stringify({ ...document, manifests }))
    await client.pushManifest(`${server.address}/multi:lie`, lie).catch(() => undefined) // where it is taken
    const store = await ImageStore.open(join(folder.path, 'store'))
    await expect(
      store.pull(`${server.address}/multi@${digestOf(lie)}`, { ...quick, platforms: 'all' }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/SIZE_MISMATCH|NOT_FOUND/) })
    expect(await store.list()).toEqual([])
  })
})
