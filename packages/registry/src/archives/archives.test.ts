import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { archiveOf, inPieces, type Member } from '../../test/support/archive.js'
import { tarOf } from '../../test/support/tar.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { ImageStore } from '../store/image-store.js'
import type { StoredImage } from '../store/stored-image.js'

async function openStore(folder: string, name: string): Promise<ImageStore> {
  return await ImageStore.open(join(folder, name))
}

async function blobsOf(store: ImageStore): Promise<string[]> {
  const found: string[] = []
  for await (const { digest } of store.blobs.list()) found.push(digest)
  return found.sort()
}

const layer = layerOf('hello')
/** A small uncompressed layer, made at once. */
function layerOf(text: string): Buffer {
  return Buffer.from(text.padEnd(1024, '\0'))
}

function configOf(...layers: readonly Uint8Array[]): string {
  const rootfs = { type: 'layers', diff_ids: layers.map((bytes) => digestOf(bytes)) }
  return JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Cmd: ['sh'] }, rootfs })
}

/** What `docker save` wrote until version 24. */
function dockerMembers(
  change: { readonly layers?: unknown; readonly config?: string; readonly tags?: unknown } = {},
): Member[] {
  const config = change.config ?? configOf(layer)
  const name = `${digestOf(config).slice(7)}.json`
  const entry = {
    Config: name,
    RepoTags: change.tags ?? ['busybox:1', 'h.io:5000/team/app:2'],
    Layers: change.layers ?? ['a/layer.tar'],
  }
  return [
    { name: 'a/', type: 'directory' },
    { name: 'a/VERSION', content: '1.0' },
    { name: 'a/layer.tar', content: layer },
    { name, content: config },
    { name: 'manifest.json', content: JSON.stringify([entry]) },
  ]
}

/** An archive of an image for two platforms, made of images of a store. */
async function twoPlatforms(from: ImageStore): Promise<{
  readonly members: readonly Member[]
  readonly archive: Buffer
  readonly entry: Descriptor
  readonly images: Readonly<Record<string, StoredImage>>
}> {
  const members: Member[] = []
  const manifests = []
  const images: Record<string, StoredImage> = {}
  for (const architecture of ['amd64', 'arm64']) {
    const image = await from.add({
      config: { architecture },
      layers: [{ tar: tarOf('x', Buffer.from(architecture)) }],
    })
    images[architecture] = image
    manifests.push({ ...image.descriptor, platform: { os: 'linux', architecture } })
    for (const { digest, size } of [image.descriptor, image.manifest.config, ...image.manifest.layers])
      members.push({
        name: `blobs/${digest.replace(':', '/')}`,
        content: await from.blobs.bytes({ digest, size }, 2 ** 20),
      })
  }
  const inner = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
  const entry = { mediaType: mediaTypes.ociIndex, digest: digestOf(inner), size: inner.length }
  const annotations = { 'org.opencontainers.image.ref.name': 'multi:1' }
  members.push(
    { name: `blobs/sha256/${entry.digest.slice(7)}`, content: inner },
    {
      name: 'index.json',
      content: JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
    },
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
  )
  return { members, archive: await archiveOf(members), entry, images }
}

describe('ImageStore.save() and load()', () => {
  it('give back several images with their names, byte for byte, and always the same archive', async () => {
    using folder = temporaryFolder()
    const from = await openStore(folder.path, 'from')
    const one = await from.add(
      { layers: [{ tar: tarOf('a', Buffer.alloc(300_000, 'x')) }] },
      { reference: 'one:1' },
    )
    await from.tag('one:1', 'h.io/one:also')
    const two = await from.add(
      { layers: [{ tar: tarOf('b', Buffer.from('b')), compression: 'none' }] },
      { reference: 'two' },
    )
    const archive = await buffer(await from.save(['one:1', 'two', 'h.io/one:also']))
    expect(await buffer(await from.save(['one:1', 'two', 'h.io/one:also']))).toEqual(archive)
    for (const bytes of [archive, gzipSync(archive)]) {
      const to = await openStore(folder.path, `to-${bytes.length}`)
      const loaded = await to.load(inPieces(bytes))
      expect(loaded.map(({ descriptor }) => descriptor)).toEqual([one.descriptor, two.descriptor])
      expect((await to.get('one:1')).references).toEqual(['docker.io/library/one:1', 'h.io/one:also'])
      expect((await to.get('two')).config).toEqual(two.config)
      expect(await blobsOf(to)).toEqual(await blobsOf(from))
    }
    const nameless = await openStore(folder.path, 'nameless')
    const [image] = await nameless.load(await from.save(one.id))
    expect(image).toMatchObject({ id: one.id, references: [] })
    await expect(from.save('three')).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_IMAGE' })
  })

  it('load what docker save wrote before, with links for layers that images share', async () => {
    using folder = temporaryFolder()
    const store = await openStore(folder.path, 'store')
    const zipped = gzipSync(layer)
    const members = [
      ...dockerMembers({
        config: configOf(layer, layer, layer),
        layers: ['a/layer.tar', 'b/layer.tar', 'c.tar'],
      }),
      { name: 'b/layer.tar', link: '../a/layer.tar' },
      { name: 'c.tar', content: zipped },
    ]
    const [image] = await store.load(inPieces(await archiveOf(members)))
    expect(image!.references).toEqual(['docker.io/library/busybox:1', 'h.io:5000/team/app:2'])
    expect(image!.layers.map(({ descriptor }) => [descriptor.mediaType, descriptor.digest])).toEqual([
      [mediaTypes.ociLayer, digestOf(layer)],
      [mediaTypes.ociLayer, digestOf(layer)],
      [mediaTypes.ociLayerGzip, digestOf(zipped)],
    ])
    expect(image!.id).toBe(digestOf(configOf(layer, layer, layer)))
    expect(await blobsOf(store)).toHaveLength(4) // nothing else of the archive stays
  })

  it('load what docker save wrote long before', async () => {
    using folder = temporaryFolder()
    const store = await openStore(folder.path, 'store')
    const [low, top] = ['a'.repeat(64), 'b'.repeat(64)]
    const upper = layerOf('upper')
    const members = [
      { name: `${low}/json`, content: JSON.stringify({ id: low, container_config: { Cmd: ['made'] } }) },
      { name: `${low}/layer.tar`, content: layer },
      {
        name: `${top}/json`,
        content: JSON.stringify({
          id: top,
          parent: low,
          architecture: 'arm64',
          os: 'linux',
          config: { Cmd: ['sh'] },
        }),
      },
      { name: `${top}/layer.tar`, content: upper },
      { name: 'repositories', content: JSON.stringify({ busybox: { old: top } }) },
    ]
    const [image] = await store.load(inPieces(await archiveOf(members)))
    expect(image).toMatchObject({
      references: ['docker.io/library/busybox:old'],
      config: { architecture: 'arm64', config: { Cmd: ['sh'] } },
    })
    expect(image!.layers.map(({ diffId }) => diffId)).toEqual([digestOf(layer), digestOf(upper)])
  })

  it('keep all platforms', async () => {
    using folder = temporaryFolder()
    const { archive, entry } = await twoPlatforms(await openStore(folder.path, 'from'))
    const store = await openStore(folder.path, 'store')
    await store.load(inPieces(archive))
    for (const architecture of ['amd64', 'arm64'])
      expect((await store.get('multi:1', { platform: `linux/${architecture}` })).index).toEqual(entry)
    const again = await openStore(folder.path, 'again')
    await again.load(await store.save('multi:1'))
    expect((await again.get('multi:1')).index).toEqual(entry)
  })

  it('bring in one platform alone, and nothing of the others', async () => {
    using folder = temporaryFolder()
    const { archive, members, images } = await twoPlatforms(await openStore(folder.path, 'from'))
    const store = await openStore(folder.path, 'store')
    const [loaded] = await store.load(inPieces(archive), { platform: 'linux/arm64' })
    const { id, descriptor, manifest } = images['arm64']!
    expect(loaded).toMatchObject({ id, references: ['docker.io/library/multi:1'] })
    expect(loaded!.index).toBeUndefined()
    expect(await blobsOf(store)).toEqual(
      [descriptor.digest, id, ...manifest.layers.map(({ digest }) => digest)].sort(),
    )
    // the others need not be there
    const lacking = members.filter(
      ({ name }) => !name.endsWith(images['amd64']!.layers[0]!.descriptor.digest.slice(7)),
    )
    await expect(store.load(inPieces(await archiveOf(lacking)))).rejects.toThrow('the archive lacks it')
    await store.load(inPieces(await archiveOf(lacking)), { platform: 'linux/arm64' })
    await expect(store.load(inPieces(archive), { platform: 'linux/s390x' })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_NO_PLATFORM',
      message: 'cannot load an image for linux/s390x: the archive has none',
    })
  })

  it('leave an index of the others, where one platform is removed', async () => {
    using folder = temporaryFolder()
    const { archive, entry, images } = await twoPlatforms(await openStore(folder.path, 'from'))
    const store = await openStore(folder.path, 'store')
    await store.load(inPieces(archive))
    await store.tag('multi:1', 'multi:2')
    // another name stands for all of it still
    expect(await store.remove('multi:1', { platform: 'linux/arm64' })).toEqual({ untagged: [], deleted: [] })
    const { deleted, untagged } = await store.remove('multi:2', { platform: 'linux/arm64' })
    const { id, descriptor, layers } = images['arm64']!
    expect(untagged).toEqual([])
    expect([...deleted].sort()).toEqual(
      [entry.digest, descriptor.digest, id, layers[0]!.descriptor.digest].sort(),
    )
    await expect(store.get('multi:2', { platform: 'linux/arm64' })).rejects.toThrow('it has none for')
    const left = await store.get('multi:2')
    expect(left).toMatchObject({
      id: images['amd64']!.id,
      repositoryDigests: [`docker.io/library/multi@${entry.digest}`],
    })
    expect((await store.verify()).problems).toEqual([])
    for (const platform of ['linux/arm64', 'linux/amd64/v3'])
      await expect(store.remove('multi:2', { platform })).rejects.toMatchObject({
        code: 'ERR_REGISTRY_NO_PLATFORM',
      })
    await store.remove('multi:2', { platform: 'linux/amd64' })
    const last = await store.remove('multi:1', { platform: 'linux/amd64' })
    expect(last.untagged).toEqual(['docker.io/library/multi:1'])
    expect(await blobsOf(store)).toEqual([])
  })

  const config = configOf(layer)
  const layout = (index: unknown, ...others: readonly Member[]): Member[] => [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify(index) },
    ...others,
  ]
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length + 1 }],
  })
  const entry = { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length }
  const blob = (content: string | Uint8Array): Member => ({
    name: `blobs/sha256/${digestOf(content).slice(7)}`,
    content,
  })
  it.each<readonly [string, readonly Member[], RegExp]>([
    ['an empty archive', [], /neither an OCI layout nor/],
    ['other files', [{ name: 'x', content: 'y' }], /neither an OCI layout nor/],
    ['no image', [{ name: 'manifest.json', content: '[]' }], /holds no image/],
    ['a list that is none', [{ name: 'manifest.json', content: '{}' }], /is no list/],
    ['a layer of the host', dockerMembers({ layers: ['/etc/passwd'] }), /lacks "\/etc\/passwd"/],
    ['a layer above', dockerMembers({ layers: ['../../etc/passwd'] }), /lacks/],
    [
      'a link to the host',
      [...dockerMembers({ layers: ['x'] }), { name: 'x', link: '/etc/passwd' }],
      /lacks "x"/,
    ],
    [
      'a link above',
      [...dockerMembers({ layers: ['x'] }), { name: 'x', link: '../../../../etc/passwd' }],
      /lacks "x"/,
    ],
    [
      'links in a circle',
      [...dockerMembers({ layers: ['x'] }), { name: 'x', link: 'y' }, { name: 'y', link: 'x' }],
      /circle/,
    ],
    [
      'a device',
      [...dockerMembers(), { name: 'dev', type: 'character-device' }],
      /neither file, folder nor link/,
    ],
    [
      'two manifests',
      [...dockerMembers(), { name: 'manifest.json', content: '[]' }],
      /twice, with different content/,
    ],
    [
      'two manifests, one by another spelling',
      [...dockerMembers(), { name: './/manifest.json', content: '[]' }],
      /twice/,
    ],
    [
      'another layer than the config says',
      dockerMembers({ config: configOf(layerOf('other')) }),
      /must be sha256:/,
    ],
    [
      'more layers than the config says',
      dockerMembers({ layers: ['a/layer.tar', 'a/layer.tar'] }),
      /has 2 layers, its config 1/,
    ],
    ['a name that is none', dockerMembers({ tags: ['UPPER:1'] }), /no name/],
    ['a name with a path', dockerMembers({ tags: ['../../x:1'] }), /no name/],
    ['a config that is none', dockerMembers({ config: '[]' }), /must be an object/],
    [
      'a layer compressed with bzip2',
      [...dockerMembers({ layers: ['b'] }), { name: 'b', content: 'BZh91AY' }],
      /bzip2/,
    ],
    [
      'a layout of another version',
      [...layout({}), { name: 'oci-layout', content: '{}' }].slice(1),
      /layout version/,
    ],
    [
      'a blob that is not its name',
      layout({}, { name: `blobs/sha256/${'0'.repeat(64)}`, content: 'x' }),
      /what came has digest/,
    ],
    [
      'a layer of another size',
      layout({ manifests: [entry] }, blob(manifest), blob(config), blob(layer)),
      /must have 1025 bytes, but has 1024/,
    ],
    ['a missing layer', layout({ manifests: [entry] }, blob(manifest), blob(config)), /the archive lacks it/],
    ['a missing manifest', layout({ manifests: [entry] }), /not in/],
    [
      'a manifest of another size',
      layout({ manifests: [{ ...entry, size: 1 }] }, blob(manifest)),
      /says 1 bytes/,
    ],
    [
      'an old layer without an end',
      [
        { name: `${'a'.repeat(64)}/json`, content: JSON.stringify({ parent: 'a'.repeat(64) }) },
        { name: `${'a'.repeat(64)}/layer.tar`, content: layer },
        { name: 'repositories', content: JSON.stringify({ a: { b: 'a'.repeat(64) } }) },
      ],
      /have no end/,
    ],
    ['an old layer by a path', [{ name: 'repositories', content: '{"a":{"b":"../x"}}' }], /no id of a layer/],
  ])('load nothing of an archive with %s', async (_, members, message) => {
    using folder = temporaryFolder()
    const store = await openStore(folder.path, 'store')
    await expect(store.load(inPieces(await archiveOf(members)))).rejects.toThrow(message)
    expect(await blobsOf(store)).toEqual([])
    expect(await store.list()).toEqual([])
  })

  it('stop at their limits, at damaged and at truncated data', async () => {
    using folder = temporaryFolder()
    const store = await openStore(folder.path, 'store')
    const bytes = await archiveOf(dockerMembers())
    const zipped = gzipSync(bytes)
    const code = 'ERR_REGISTRY_ARCHIVE'
    const bomb = gzipSync(
      await archiveOf([...dockerMembers(), { name: 'zeros', content: Buffer.alloc(2 ** 24) }]),
    )
    await expect(store.load(inPieces(bomb), { maxBytes: 2 ** 20 })).rejects.toMatchObject({ code })
    await expect(store.load(inPieces(bytes), { maxEntries: 3 })).rejects.toMatchObject({ code })
    await expect(store.load(inPieces(bytes.subarray(0, 2000)))).rejects.toMatchObject({ code })
    await expect(store.load(inPieces(zipped.subarray(0, 300)))).rejects.toMatchObject({ code })
    await expect(store.load(inPieces(Buffer.alloc(5000, 'x')))).rejects.toMatchObject({ code })
    await expect(store.load(inPieces(Buffer.from('BZh91AY&SY')))).rejects.toThrow(/bzip2/)
    await expect(store.load(inPieces(bytes), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(await blobsOf(store)).toEqual([])
  })

  it('leave what was there before when an archive is refused', async () => {
    using folder = temporaryFolder()
    const store = await openStore(folder.path, 'store')
    await store.load(inPieces(await archiveOf(dockerMembers())))
    const before = await blobsOf(store)
    await expect(
      store.load(inPieces(await archiveOf(dockerMembers({ layers: ['missing'] })))),
    ).rejects.toThrow()
    expect(await blobsOf(store)).toEqual(before)
    expect((await store.get('busybox:1')).layers).toHaveLength(1)
  })

  it('end with whoever reads the archive', async () => {
    using folder = temporaryFolder()
    const store = await openStore(folder.path, 'store')
    await store.add(
      { layers: [{ tar: tarOf('a', Buffer.alloc(4_000_000, 'x')), compression: 'none' }] },
      { reference: 'a' },
    )
    const archive = await store.save('a')
    for await (const _ of archive) break
    expect(archive.destroyed).toBe(true)
  })
})
