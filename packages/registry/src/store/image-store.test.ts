import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import type { FetchedLayer, ImageProgress } from './pull-image.js'
import { RegistryServer } from '../server/registry-server.js'
import { isRegistryError } from '../errors.js'
import { digestOf } from '../manifest/digest.js'
import { ImageStore } from './image-store.js'

/** A layer of arbitrary bytes: the store never looks inside. */
async function* bytes(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part))
}

const quick = { credentials: 'anonymous', retries: 0 } as const

async function addImage(
  store: ImageStore,
  reference?: string,
  marker = 'one',
): ReturnType<ImageStore['add']> {
  const config = { config: { Cmd: ['/bin/true'], Env: ['A=b'], ExposedPorts: ['80/tcp'] } }
  const layers = [
    { tar: bytes('shared layer') },
    { tar: bytes(`layer ${marker}`), compression: 'none' as const },
  ]
  return await store.add({ config, layers }, { reference })
}

describe('ImageStore', () => {
  it('adds an image from layers, and reads it by name, id, digest and prefix', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(folder.path)
    const added = await addImage(store, 'app')
    expect(added.references).toEqual(['docker.io/library/app:latest'])
    expect(added.config.config).toEqual({ Cmd: ['/bin/true'], Env: ['A=b'], ExposedPorts: ['80/tcp'] })
    expect(added.layers.map(({ diffId }) => diffId)).toEqual([
      digestOf('shared layer'),
      digestOf('layer one'),
    ])
    for (const wanted of [
      'app',
      'docker.io/library/app:latest',
      added.id,
      added.descriptor.digest,
      added.id.slice(7, 19),
    ]) {
      expect((await store.get(wanted)).id).toBe(added.id)
    }
    const chunks: Buffer[] = []
    for await (const chunk of added.layers[1]!.open()) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe('layer one')
  })

  it('tells of layers that have come before the image has, once each', async () => {
    using from = temporaryFolder()
    using to = temporaryFolder()
    await using server = await RegistryServer.start()
    const name = `${server.address}/app:1`
    const source = await ImageStore.open(from.path)
    const image = await addImage(source, name)
    await source.push(name, quick)
    const store = await ImageStore.open(to.path)
    const told: { readonly diffId: string; readonly content: Promise<string> }[] = []
    const onLayer = (layer: FetchedLayer): void => {
      told.push({ diffId: layer.diffId, content: text(layer.open()) })
    }
    await store.pull(name, { ...quick, onLayer })
    expect(told.map(({ diffId }) => diffId).sort()).toEqual(image.layers.map(({ diffId }) => diffId).sort())
    const plain = told.find(({ diffId }) => diffId === digestOf('layer one'))
    expect(await plain?.content).toBe('layer one')
    await Promise.all(told.map(({ content }) => content))
    await store.pull(name, { ...quick, onLayer })
    expect(told).toHaveLength(2)
  })

  it('makes the same digests from the same input', async () => {
    using first = temporaryFolder()
    using second = temporaryFolder()
    const one = await addImage(await ImageStore.open(first.path))
    const two = await addImage(await ImageStore.open(second.path))
    expect(two.descriptor).toEqual(one.descriptor)
  })

  it('pushes to a registry and pulls back, byte for byte, with progress', async () => {
    using here = temporaryFolder()
    using there = temporaryFolder()
    await using registry = await RegistryServer.start()
    const store = await ImageStore.open(here.path)
    const added = await addImage(store, 'app')
    const name = `${registry.address}/team/app:1`
    await store.push(name, { image: 'app', ...quick })
    const other = await ImageStore.open(there.path)
    const events: ImageProgress[] = []
    const pulled = await other.pull(name, { ...quick, onProgress: (event) => events.push(event) })
    expect(pulled.descriptor).toEqual(added.descriptor)
    expect(pulled.references).toEqual([name])
    expect(pulled.repositoryDigests).toEqual([`${registry.address}/team/app@${added.descriptor.digest}`])
    expect(events[0]).toMatchObject({ kind: 'manifest', reference: name, digest: added.descriptor.digest })
    const done = events.filter((event) => event.kind === 'blob' && event.status === 'done')
    expect(done).toHaveLength(3)
    const again: ImageProgress[] = []
    await other.pull(name, { ...quick, onProgress: (event) => again.push(event) })
    expect(again.filter((event) => event.kind === 'blob' && event.status === 'running')).toEqual([])
    expect(readdirSync(join(there.path, 'partial'))).toEqual([])
  })

  it('removes a name, then the image with the blobs that nobody else uses', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(folder.path)
    const one = await addImage(store, 'app:1')
    await addImage(store, 'app:2', 'two')
    await store.tag('app:1', 'other:1')
    expect(await store.remove('app:1')).toEqual({ untagged: ['docker.io/library/app:1'], deleted: [] })
    const removed = await store.remove(one.id)
    expect(removed.untagged).toEqual(['docker.io/library/other:1'])
    expect([...removed.deleted].sort()).toEqual(
      [one.descriptor.digest, one.id, one.layers[1]!.descriptor.digest].sort(),
    )
    expect((await store.list()).flatMap(({ references }) => references)).toEqual(['docker.io/library/app:2'])
    await store.remove('app:2')
    expect(readdirSync(join(folder.path, 'blobs/sha256'))).toEqual([])
    await expect(store.get('app:2')).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_IMAGE' })
  })

  it('keeps an image whose name moves on, until it is pruned', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(folder.path)
    const old = await addImage(store, 'app')
    const now = await addImage(store, 'app', 'two')
    expect((await store.get('app')).id).toBe(now.id)
    expect((await store.get(old.id)).references).toEqual([])
    expect(await store.prune({ keep: [old.id] })).toEqual({ images: [], blobs: [], bytes: 0 })
    const { images, blobs, bytes } = await store.prune()
    const sizes = [old.descriptor, old.manifest.config, ...old.manifest.layers].map(({ digest, size }) =>
      blobs.includes(digest) ? size : 0,
    )
    expect(images).toEqual([old.id])
    expect(blobs).toHaveLength(3)
    expect(bytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    await expect(store.get(old.id)).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_IMAGE' })
    expect((await store.get('app')).id).toBe(now.id)
  })

  it('takes the last name away from an image that stays', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(folder.path)
    const { id } = await addImage(store, 'a:1')
    await store.untag('a:1')
    expect(await store.get(id)).toMatchObject({ references: [] })
    await expect(store.untag('a:1')).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_IMAGE' })
  })

  it('takes changes by many stores of one folder at once', async () => {
    using folder = temporaryFolder()
    const names = Array.from({ length: 24 }, (_, n) => `app:${n}`)
    await Promise.all(names.map(async (name) => addImage(await ImageStore.open(folder.path), name, name)))
    const store = await ImageStore.open(folder.path)
    expect(await store.list()).toHaveLength(24)
    await Promise.all(names.map(async (name) => (await ImageStore.open(folder.path)).remove(name)))
    expect(await store.list()).toEqual([])
    expect(readdirSync(join(folder.path, 'blobs/sha256'))).toEqual([])
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })

  it('pulls while others remove the same image', async () => {
    using folder = temporaryFolder()
    using origin = temporaryFolder()
    await using registry = await RegistryServer.start()
    const name = `${registry.address}/app:1`
    const from = await ImageStore.open(origin.path)
    await addImage(from, name)
    await from.push(name, quick)
    const worker = async (): Promise<void> => {
      const store = await ImageStore.open(folder.path)
      for (let round = 0; round < 8; round++) {
        expect((await store.pull(name, quick)).layers).toHaveLength(2)
        const removed = await store.remove(name).catch((error: unknown) => error)
        if (isRegistryError(removed)) expect(removed.code).toBe('ERR_REGISTRY_NO_IMAGE')
      }
    }
    await Promise.all([worker(), worker(), worker()])
    expect(readdirSync(join(folder.path, 'blobs/sha256'))).toEqual([])
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  }, 30_000)

  it('is an OCI image layout on the disk', async () => {
    using folder = temporaryFolder()
    const { descriptor } = await addImage(await ImageStore.open(folder.path), 'app')
    expect(JSON.parse(readFileSync(join(folder.path, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    })
    const index = JSON.parse(readFileSync(join(folder.path, 'index.json'), 'utf8')) as {
      manifests: unknown[]
    }
    expect(index.manifests).toHaveLength(1)
    expect(index.manifests[0]).toMatchObject({
      ...descriptor,
      annotations: { 'org.opencontainers.image.ref.name': 'docker.io/library/app:latest' },
    })
  })

  it('refuses a layout of another version, and says which', async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}')
    await expect(ImageStore.open(folder.path)).rejects.toMatchObject({ code: 'ERR_REGISTRY_STORE' })
  })

  it('says what is wrong with a name that is none, and which ids are ambiguous', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(folder.path)
    await expect(store.get('App')).rejects.toMatchObject({ code: 'ERR_REGISTRY_INVALID_REFERENCE' })
    await expect(store.get('../../etc/passwd')).rejects.toMatchObject({
      code: 'ERR_REGISTRY_INVALID_REFERENCE',
    })
    await expect(store.get('sha256:1234')).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_IMAGE' })
  })
})
