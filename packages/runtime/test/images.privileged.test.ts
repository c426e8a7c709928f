import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { LayerStore, packLayer } from '@ctr/overlay'
import { BlobStore, RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck } from '@ctr/testing'
import type { Runtime } from '../src/index.js'
import { busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

let opened: Awaited<ReturnType<typeof openRuntime>>
let runtime: Runtime
const name = 'localhost/busybox:latest'

/** An old blob and an old layer that no image names, as a pull leaves them that is killed. */
async function leaveGarbage(): Promise<{ readonly blob: string; readonly layer: string }> {
  const blobs = await BlobStore.open(join(runtime.root, 'images'))
  const { digest } = await blobs.add(Readable.from([Buffer.alloc(1000, 7)]))
  const layers = await LayerStore.open(join(runtime.root, 'overlay'))
  const { stream } = packLayer([{ type: 'file', path: 'left', content: 'behind' }], { compression: 'none' })
  const { diffId } = await layers.add(stream)
  return { blob: digest, layer: diffId }
}

function makeOld({ blob, layer }: { readonly blob: string; readonly layer: string }): void {
  const old = new Date(Date.now() - 2 * 3_600_000)
  utimesSync(join(runtime.root, 'images/blobs', blob.replace(':', '/')), old, old)
  utimesSync(join(runtime.root, 'overlay/layers', layer.replace(':', '/')), old, old)
}

describeOn(['root', 'overlay', 'bin:busybox'], 'images, checked and tidied', () => {
  beforeEach(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
  })
  afterEach(async () => {
    await opened[Symbol.asyncDispose]()
  })

  it('finds nothing wrong with what is right', async () => {
    await using container = await runtime.run({ image: busybox, network: 'none', command: ['true'] })
    await container.commit()
    expect(await runtime.images.verify()).toMatchObject({ problems: [], images: 2, blobs: 7, layers: 3 })
  })

  it('pulls, runs, commits and removes an image that has a layer several times', async () => {
    await using registry = await RegistryServer.start()
    const remote = `${registry.address}/own/twins:1`
    const layer = (content: string): { readonly tar: Readable } => {
      const files = [{ type: 'file' as const, path: 'etc/said', content }]
      return { tar: packLayer(files, { compression: 'none' }).stream }
    }
    const unpacked = await LayerStore.open(join(runtime.root, 'overlay'))
    const before = await unpacked.list()
    const [own] = (await runtime.images.get(busybox)).layers
    const store = await BlobStore.open(join(runtime.root, 'images'))
    const layers = [
      { tar: Readable.from(store.read(own!.descriptor.digest)).pipe(createGunzip()) },
      ...['one', 'two', 'one', 'one'].map(layer),
    ]
    await runtime.images.add({ layers }, { reference: remote })
    await runtime.images.push(remote)
    await runtime.images.remove(remote)
    const pulled = await runtime.images.pull(remote)
    expect(pulled.layers).toHaveLength(5)
    const container = await runtime.run({
      image: remote,
      network: 'none',
      command: ['cat', '/etc/said'],
      stdout: 'pipe',
    })
    expect(await text(container.stdout!)).toBe('one')
    expect(await container.wait()).toMatchObject({ exitCode: 0 })
    expect((await container.commit({ reference: 'twins:2' })).layers).toHaveLength(6)
    await container.remove()
    expect((await runtime.images.verify()).problems).toEqual([])
    for (const image of [remote, 'twins:2']) await runtime.images.remove(image)
    expect(await unpacked.list()).toEqual(before)
  })

  it('finds a damaged blob, removes it, and a pull brings it back', async () => {
    await using registry = await RegistryServer.start()
    const remote = `${registry.address}/own/busybox:1`
    await runtime.images.tag(busybox, remote)
    await runtime.images.push(remote)
    const { descriptor } = (await runtime.images.get(busybox)).layers[0]!
    const path = join(runtime.root, 'images/blobs', descriptor.digest.replace(':', '/'))
    const bytes = readFileSync(path)
    bytes[100]! ^= 1
    writeFileSync(path, bytes)
    const problem = {
      kind: 'blob',
      id: descriptor.digest,
      images: expect.arrayContaining([name, remote]) as unknown,
      message: expect.stringContaining('pull') as unknown,
    }
    expect((await runtime.images.verify()).problems).toEqual([problem])
    expect((await runtime.images.verify({ repair: true })).problems).toEqual([problem])
    expect((await runtime.images.verify()).problems).toMatchObject([
      { kind: 'blob', message: expect.stringContaining('missing') as unknown },
    ])
    await runtime.images.pull(remote)
    expect((await runtime.images.verify()).problems).toEqual([])
  })

  it('finds a layer whose files were changed, removes it, and the next run unpacks it again', async () => {
    const { diffId } = (await runtime.images.get(busybox)).layers[1]!
    const motd = join(runtime.root, 'overlay/layers', diffId.replace(':', '/'), 'diff/etc/motd')
    writeFileSync(motd, 'forged\n')
    expect((await runtime.images.verify()).problems).toEqual([
      { kind: 'layer', id: diffId, images: [name], message: expect.stringContaining('its files') },
    ])
    await runtime.images.verify({ repair: true })
    expect((await runtime.images.verify()).problems).toEqual([])
    await using container = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['cat', '/etc/motd'],
      stdout: 'pipe',
    })
    expect(await text(container.stdout!)).toBe('second\n')
    expect(await container.wait()).toMatchObject({ exitCode: 0 })
  })

  it('leaves a damaged layer to the container that stands on it, and tells of roots without layers', async () => {
    await using container = await runtime.create({ image: busybox, network: 'none', command: ['true'] })
    const { diffId } = (await runtime.images.get(busybox)).layers[1]!
    const folder = join(runtime.root, 'overlay/layers', diffId.replace(':', '/'))
    writeFileSync(join(folder, 'layer.json'), 'rubbish')
    const { problems } = await runtime.images.verify({ repair: true })
    expect(problems).toMatchObject([
      { kind: 'layer', message: expect.stringContaining('roots stand on it') as unknown },
    ])
    rmSync(folder, { recursive: true })
    expect((await runtime.images.verify()).problems).toMatchObject([{ kind: 'root', id: container.id }])
    await container.remove()
    expect((await runtime.images.verify()).problems).toEqual([])
  })

  it('removes what killed pulls have left, once it is old, and nothing that is used', async () => {
    const garbage = await leaveGarbage()
    expect(await runtime.images.prune()).toEqual({ untagged: [], blobs: [], layers: [], bytes: 0 })
    makeOld(garbage)
    const layers = readdirSync(join(runtime.root, 'overlay/layers/sha256')).length
    const pruned = await runtime.images.prune()
    expect(pruned).toMatchObject({ untagged: [], blobs: [garbage.blob], layers: [garbage.layer] })
    expect(pruned.bytes).toBeGreaterThan(1000)
    expect(readdirSync(join(runtime.root, 'overlay/layers/sha256'))).toHaveLength(layers - 1)
    expect((await runtime.images.verify()).problems).toEqual([])
  })

  it('keeps nameless images of containers, and with all removes those that nobody uses', async () => {
    const container = await runtime.create({ image: busybox, network: 'none', command: ['true'] })
    const first = await container.commit({ reference: 'moved:1' })
    await using user = await runtime.create({ image: 'moved:1', network: 'none', command: ['true'] })
    await container.commit({ reference: 'moved:1', message: 'another' })
    await runtime.images.prune({ minAgeMs: 0 })
    expect((await runtime.images.get(first.id)).references).toEqual([])
    await container.remove()
    const { untagged } = await runtime.images.prune({ all: true, minAgeMs: 0 })
    expect([...untagged].sort()).toEqual(['docker.io/library/moved:1', name])
    expect((await runtime.images.list()).map(({ id }) => id)).toEqual([first.id])
    await user.remove()
    await runtime.images.prune({ minAgeMs: 0 })
    expect(await runtime.images.list()).toEqual([])
    expect(readdirSync(join(runtime.root, 'overlay/layers/sha256'))).toEqual([])
    expect(readdirSync(join(runtime.root, 'images/blobs/sha256'))).toEqual([])
  })

  it('breaks no pull that is under way', async () => {
    await using registry = await RegistryServer.start()
    const remote = `${registry.address}/own/busybox:1`
    await runtime.images.tag(busybox, remote)
    await runtime.images.push(remote)
    await runtime.images.remove(busybox)
    for (let round = 0; round < 5; round++) {
      await runtime.images.remove(remote)
      const garbage = await leaveGarbage()
      makeOld(garbage)
      let pulling = true as boolean // another turn changes it
      const pull = runtime.images.pull(remote).finally(() => (pulling = false))
      const pruned: string[] = []
      while (pulling) pruned.push(...(await runtime.images.prune()).blobs)
      expect(pruned).toEqual([garbage.blob])
      const image = await pull
      expect(image.layers).toHaveLength(2)
      expect((await runtime.images.verify()).problems).toEqual([])
    }
  })
})
